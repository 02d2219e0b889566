"""Pure numbers: geodesy and the contact line; nothing here knows of files, time of day or parties by name."""
