"""Who keeps time, state and order while the stages run; no logic of the stages lives here."""
