// Answers calls to the verifier, one a line, in a context that has nothing but the language:
// no Buffer, no TextEncoder, no atob, no crypto, no require.
"use strict";

const fs = require("fs");
const readline = require("readline");
const vm = require("vm");

const verifier = { exports: {} };
vm.runInNewContext(fs.readFileSync(process.argv[2], "utf8"), { module: verifier });

function answered({ name, given }) {
    try {
        return { answer: verifier.exports[name](...given) };
    } catch (refused) {
        if (!(refused instanceof verifier.exports.ReceiptInvalid)) throw refused;
        const { name: error, code, message, messageEn } = refused;
        return { refused: { error, code, message, messageEn } };
    }
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
    process.stdout.write(`${JSON.stringify(answered(JSON.parse(line)))}\n`);
});
