// Asks @sigstore/verify about entries of our log: standard input is JSON, standard output one answer for each case.
// The first argument is the folder that holds node_modules.
const path = require("node:path");
const crypto = require("node:crypto");
const tlog = require(path.join(process.argv[2], "node_modules/@sigstore/verify/dist/tlog/index.js"));

const given = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const bytes = (text) => Buffer.from(text, "hex");
const authority = {
  logID: bytes(given.key_id),
  baseURL: given.name,
  publicKey: crypto.createPublicKey({ key: bytes(given.public_key_der), format: "der", type: "spki" }),
  validFor: { start: new Date(0), end: new Date(8.64e15) },
};
const answers = given.cases.map((each) => {
  const entry = {
    canonicalizedBody: bytes(each.entry),
    inclusionProof: {
      logIndex: each.leaf_index,
      treeSize: each.size,
      hashes: each.hashes.map(bytes),
      rootHash: bytes(each.root),
      checkpoint: { envelope: each.note },
    },
  };
  try {
    tlog.verifyTLogInclusion(entry, [authority]);
    return true;
  } catch (error) {
    if (error.code !== "TLOG_INCLUSION_PROOF_ERROR") throw error;
    return false;
  }
});
process.stdout.write(JSON.stringify(answers));
