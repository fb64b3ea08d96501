/**
 * Checks receipts offline: with the file and the public key of the log, and nothing else.
 *
 * A CommonJS module for WeChat mini-programs, browsers and Node, of ES2017 and what the language
 * itself has. BigInt is called, never written as a literal: what compiles to ES5 would break it.
 * Give it the text as served (`wx.request` with `dataType: "text"`), not what was parsed of it.
 *
 * It accepts what `gridpoints verify` accepts and throws ReceiptInvalid for the rest. It knows no
 * secret, so nothing runs in constant time. Bytes are texts in hex: to join with `+` and compare.
 *
 *     const { verifyReceipt } = require("./verify-receipt.js");
 *     const { entry, opened } = verifyReceipt(text, { keys: [publicKey] });
 */
"use strict";

const FORMAT = "gridpoints-receipt@v1";
const PROOF_FORMAT = "c2sp.org/tlog-proof@v1";
const ENTRY_VERSION = 1;
const HIDDEN = ["checker", "credit_account", "debit_account", "maker", "memo", "source"];
const NUMBERS = ["leg", "points", "version"];
const TEXTS = [
    "community", "kind", "occurred_at", "posted_at", "posting", "reverses", "rule_version",
    "source_kind", "transfer",
];
const LOG_KEY = "01";
const WITNESS_KEY = "04";
const MOST_RECEIPT_BYTES = 65536;
const MOST_NOTE_BYTES = 16384;
const MOST_SIGNATURES = 64;
const MOST_HASHES = 63;
const MOST_DEPTH = 3; // receipt, entry, hidden
const LAST_SECOND = 253402300799; // of the year 9999

// Spelled out: what `\s` means differs from one language to another.
const SPACES =
    "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const NAME = new RegExp(`^[^${SPACES}+]+$`);
const SPACE_AROUND = new RegExp(`^[${SPACES}]+|[${SPACES}]+$`, "g");
const SIGNATURE_LINE = new RegExp(`^— ([^${SPACES}+]+) ([A-Za-z0-9+/]+={0,2})$`);
const CONTROL_CHARACTER = /[\x00-\x09\x0b-\x1f]/;
const WHOLE_NUMBER = /^(?:0|[1-9][0-9]{0,18})$/;
const HASH = /^[0-9a-f]{64}$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const BASE64_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
// Written so that it never steps back; what nothing matches becomes a token of its own.
const JSON_TEXT = /^"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})[^"\\\x00-\x1f]*)*"$/;
const JSON_NUMBER = /^-?(?:0|[1-9][0-9]*)$/;
const JSON_TOKENS = new RegExp(
    [JSON_TEXT, JSON_NUMBER, /^null$/, /^[ \t\n\r]+$/, /^[^]$/]
        .map((token) => token.source.slice(1, -1)).join("|"), "g",
);

/** What a resident is told, and a developer; the codes are stable. */
const REASONS = {
    not_a_receipt: ["这不是积分存证凭证，或文件已损坏", "this is not a receipt"],
    format_unknown: ["凭证的格式较新，请先更新小程序再核对", "the receipt's format is not known"],
    entry_unknown: ["凭证里的记账内容不完整或无法识别", "the entry is not one of ours"],
    value_wrong: ["凭证里公开的内容与存证时不一致，可能被改动过", "an opened value was not sealed"],
    proof_malformed: ["凭证里的证明不完整或已损坏", "the proof is malformed"],
    checkpoint_malformed: ["存证点的内容不完整或已损坏", "the checkpoint is malformed"],
    number_too_large: ["凭证里的数字过大，无法核对", "a number is 2^53 or more"],
    key_malformed: ["用来核对的公钥不正确，请更新小程序", "a public key is malformed"],
    not_signed: ["存证点没有可信的签名，不能证明什么", "no key that is trusted has signed"],
    signature_wrong: ["存证点的签名不正确，可能是伪造的", "the log's signature is wrong"],
    cosignature_wrong: ["见证方的签名不正确，可能是伪造的", "a witness's signature is wrong"],
    other_community: ["存证点属于另一个社区", "the checkpoint is another community's"],
    not_included: ["这笔记账不在存证的账本里：被改动过，或从未入账", "the entry is not in the book"],
    not_consistent: ["新账本没有原样包含旧账本：以前的记录被改动过", "the old book was changed"],
    not_supported: ["手机系统版本过低，无法核对，请换一台手机再试", "BigInt is missing here"],
};

/**
 * Why something proves nothing: `code` is one of the words above, `message` is for residents,
 * `messageEn` for developers. Not a class: one compiled to ES5 could not extend Error.
 */
function ReceiptInvalid(code) {
    this.name = "ReceiptInvalid";
    this.code = code;
    [this.message, this.messageEn] = REASONS[code];
    this.stack = new Error(code).stack;
}
ReceiptInvalid.prototype = Object.create(Error.prototype);

function refuseUnless(isTrue, code) {
    if (!isTrue) throw new ReceiptInvalid(code);
}

// --- What may be asked ---------------------------------------------------------------------
/**
 * Returns what a receipt proves to whoever trusts these keys, which must not come with it.
 *
 * @param {string} text the file
 * @param {{keys: string[], witnesses?: string[]}} trusted public keys, as `name+id+key`
 * @returns {{
 *     entry: Object, opened: Object<string, string>, index: number,
 *     checkpoint: {origin: string, size: number, root: string, printedRoot: string},
 *     witnesses: {witness: string, signedAt: string}[],
 * }} the root in base64 and as the notice board shows it, times in ISO 8601 and UTC
 */
function verifyReceipt(text, trusted) {
    const { entry, opened, proof } = readReceipt(text);
    checkEntry(entry);
    const values = openedValues(opened, entry.hidden);
    const { index, path, note } = parseProof(proof);
    const checkpoint = openCheckpoint(note, trusted.keys);
    const witnesses = cosignatures(note, (trusted.witnesses || []).map(parseKey));
    const community = checkpoint.origin.slice(checkpoint.origin.lastIndexOf("/") + 1);
    refuseUnless(community === entry.community, "other_community");
    const leaf = sha256("00" + utf8(canonical(entry)));
    refuseUnless(isIncluded(leaf, index, path, checkpoint), "not_included");
    return { entry, opened: values, index, checkpoint, witnesses };
}

/**
 * Returns what a checkpoint says that one of the log's keys has signed.
 *
 * @param {string} text a signed note, as from the notice board
 * @param {string[]} keys public keys of the log; signatures by others are passed over
 * @returns {{origin: string, size: number, root: string, printedRoot: string}}
 */
function openCheckpoint(text, keys) {
    const note = parseNote(text);
    const own = keys.map(parseKey)
        .filter((key) => key.kind === LOG_KEY && key.name === note.checkpoint.origin);
    const signed = signedBy(note, own);
    const isRight = ({ key, body }) => verifyEd25519(body, utf8(note.text), key.bytes);
    refuseUnless(signed.length > 0, "not_signed");
    refuseUnless(signed.every(isRight), "signature_wrong");
    return note.checkpoint;
}

/**
 * Checks that the book of one checkpoint begins with the unchanged book of an older one, and
 * returns both checkpoints.
 *
 * @param {string} oldNote kept from before
 * @param {string} newNote of the same log
 * @param {string[]} path the hashes of the proof, in base64
 * @param {string[]} keys public keys of the log
 * @returns {{old: Object, new: Object}}
 */
function verifyConsistency(oldNote, newNote, path, keys) {
    const [before, after] = [oldNote, newNote].map((note) => openCheckpoint(note, keys));
    refuseUnless(before.origin === after.origin, "other_community");
    refuseUnless(isConsistent(before, after, parsePath(path)), "not_consistent");
    return { old: before, new: after };
}

// --- Receipts ------------------------------------------------------------------------------
function readReceipt(text) {
    const isShort = isText(text) && text.length <= MOST_RECEIPT_BYTES;
    refuseUnless(isShort && utf8(text).length / 2 <= MOST_RECEIPT_BYTES, "not_a_receipt");
    const receipt = parseJson(text);
    const isReceipt =
        hasExactly(receipt, ["entry", "format", "opened", "proof"]) &&
        isObject(receipt.entry) && isObject(receipt.opened) &&
        Object.keys(receipt.opened).every((name) => isOpening(receipt.opened[name])) &&
        isText(receipt.format) && isText(receipt.proof);
    refuseUnless(isReceipt, "not_a_receipt");
    refuseUnless(receipt.format === FORMAT, "format_unknown");
    return receipt;
}

const isOpening = (found) =>
    hasExactly(found, ["salt", "value"]) && HASH.test(found.salt) && isText(found.value);

/** Refuses what no entry of ours looks like, so that a reader may rely on its fields. */
function checkEntry(entry) {
    const isOurs =
        hasExactly(entry, TEXTS.concat(NUMBERS, "hidden")) &&
        entry.version === ENTRY_VERSION &&
        NUMBERS.every((name) => typeof entry[name] === "number") &&
        TEXTS.every((name) => entry[name] === null || isText(entry[name])) &&
        hasExactly(entry.hidden, HIDDEN) &&
        HIDDEN.every((name) => isText(entry.hidden[name]));
    refuseUnless(isOurs, "entry_unknown");
}

/** Returns what is told of the hidden fields, having checked that it is what was sealed. */
function openedValues(opened, hidden) {
    const values = {};
    Object.keys(opened).forEach((name) => {
        const { salt, value } = opened[name];
        const hash = sha256(salt + utf8(value));
        refuseUnless(has(hidden, name) && hidden[name] === hash, "value_wrong");
        values[name] = value;
    });
    return values;
}

function parseProof(proof) {
    const divider = proof.indexOf("\n\n");
    const lines = proof.slice(0, Math.max(divider, 0)).split("\n");
    refuseUnless(lines[0] === PROOF_FORMAT && /^index /.test(lines[1]), "proof_malformed");
    const index = parseNumber(lines[1].slice("index ".length), "proof_malformed");
    return { index, path: parsePath(lines.slice(2)), note: proof.slice(divider + 2) };
}

function parsePath(lines) {
    const path = lines.slice(0, MOST_HASHES + 1).map(decode);
    const isPath = path.length <= MOST_HASHES && path.every((hash) => HASH.test(hash));
    refuseUnless(isPath, "proof_malformed");
    return path;
}

/** Reads a number; they are exact below 2^53 only, and no book gets there. */
function parseNumber(text, code) {
    refuseUnless(WHOLE_NUMBER.test(text), code);
    refuseUnless(Number.isSafeInteger(Number(text)), "number_too_large");
    return Number(text);
}

// --- Signed notes (C2SP signed-note, tlog-checkpoint, tlog-cosignature) --------------------
/** Reads a public key, written `name+id+key`. */
function parseKey(text) {
    const [name, id, ...rest] = text.replace(SPACE_AROUND, "").split("+");
    const material = decode(rest.join("+")) || "";
    const [kind, bytes] = [material.slice(0, 2), material.slice(2)];
    const isKey = NAME.test(name) && HASH.test(bytes) && (kind === LOG_KEY || kind === WITNESS_KEY);
    refuseUnless(isKey, "key_malformed");
    const fingerprint = sha256(utf8(`${name}\n`, "key_malformed") + material);
    refuseUnless(id === fingerprint.slice(0, 8), "key_malformed");
    return { name, id, kind, bytes };
}

/** Takes a note apart without checking any signature. */
function parseNote(note) {
    const divider = isText(note) ? note.lastIndexOf("\n\n") : -1;
    const isReadable = divider >= 0 && note.slice(-1) === "\n" && !CONTROL_CHARACTER.test(note);
    refuseUnless(isReadable, "checkpoint_malformed");
    const bytes = utf8(note, "checkpoint_malformed").length / 2;
    const lines = note.slice(divider + 2, -1).split("\n");
    const isSmall = bytes <= MOST_NOTE_BYTES && lines.length <= MOST_SIGNATURES;
    refuseUnless(isSmall, "checkpoint_malformed");
    const text = note.slice(0, divider + 1);
    return { text, checkpoint: parseCheckpoint(text), signatures: lines.map(parseSignature) };
}

/** Reads a checkpoint of three lines: whoever signed more would have signed the unread. */
function parseCheckpoint(text) {
    const [origin, size, root, ...rest] = text.split("\n");
    const isWhole = origin !== "" && HASH.test(decode(root)) && rest.length === 1;
    refuseUnless(isWhole, "checkpoint_malformed");
    const printedRoot = decode(root).toUpperCase().match(/.{4}/g).join(" ");
    return { origin, size: parseNumber(size, "checkpoint_malformed"), root, printedRoot };
}

function parseSignature(line) {
    const [, name, encoded] = SIGNATURE_LINE.exec(line) || [];
    const content = decode(encoded);
    refuseUnless(content !== null && content.length > 8, "checkpoint_malformed");
    return { name, id: content.slice(0, 8), body: content.slice(8) };
}

/** Returns the signatures under a note by these keys, not yet checked. */
function signedBy({ signatures }, keys) {
    const by = ({ name, id, body }) =>
        keys.filter((key) => name === key.name && id === key.id).map((key) => ({ key, body }));
    return signatures.reduce((found, signature) => found.concat(by(signature)), []);
}

/** Returns which of these witnesses have countersigned, each once and when it last did. */
function cosignatures(text, witnesses) {
    const note = parseNote(text);
    const found = {};
    signedBy(note, witnesses).forEach(({ key, body }) => {
        // A time that is too large to be exact is refused as too late.
        const [time, signature] = [parseInt(body.slice(0, 16), 16), body.slice(16)];
        const message = utf8(`cosignature/v1\ntime ${time}\n${note.text}`);
        const isDated = key.kind === WITNESS_KEY && time <= LAST_SECOND;
        refuseUnless(isDated && verifyEd25519(signature, message, key.bytes), "cosignature_wrong");
        const signedAt = new Date(time * 1000).toISOString();
        const of = `${key.name}+${key.bytes}`;
        const before = has(found, of) ? found[of].signedAt : "";
        found[of] = { witness: key.name, signedAt: before > signedAt ? before : signedAt };
    });
    return Object.keys(found).map((of) => found[of]);
}

// --- Merkle trees (RFC 6962, checked as in RFC 9162, 2.1.3.2 and 2.1.4.2) ------------------
const nodeHash = (hash, sibling, isLeft) =>
    sha256(isLeft ? `01${sibling}${hash}` : `01${hash}${sibling}`);

/** Tells whether the path leads from the leaf hash at `index` to the root. */
function isIncluded(leaf, index, path, { size, root }) {
    const sides = index < size ? sidesOf(index, size - 1, path.length) : null;
    const climb = (hash, sibling, at) => nodeHash(hash, sibling, sides[at]);
    return sides !== null && path.reduce(climb, leaf) === decode(root);
}

/** Tells whether the path proves that nothing of the old tree was changed, only added to. */
function isConsistent(before, after, path) {
    const [oldRoot, newRoot] = [decode(before.root), decode(after.root)];
    if (before.size > after.size || (before.size === 0 && oldRoot !== sha256(""))) return false;
    if (before.size === after.size) return path.length === 0 && oldRoot === newRoot;
    if (before.size === 0) return path.length === 0;
    // The largest complete subtree at the old tree's end is where both begin.
    const unit = powerOfTwoIn(before.size);
    const [start, ...rest] = before.size === unit ? [oldRoot].concat(path) : path;
    const [number, last] = [before.size, after.size].map((size) => Math.floor((size - 1) / unit));
    const sides = start ? sidesOf(number, last, rest.length) : null;
    if (sides === null) return false;
    const climb = (hash, sibling, at) => nodeHash(hash, sibling, sides[at]);
    const climbLeft = (hash, sibling, at) => (sides[at] ? climb(hash, sibling, at) : hash);
    return rest.reduce(climbLeft, start) === oldRoot && rest.reduce(climb, start) === newRoot;
}

/** Returns whether each of `count` siblings on the way up stands left; null if there are others. */
function sidesOf(number, last, count) {
    const sides = [];
    while (sides.length < count && last > 0) {
        const isLeft = number % 2 === 1 || number === last;
        const unit = isLeft ? 2 * powerOfTwoIn(number) : 2; // not shifted: shifts end at 2^32
        sides.push(isLeft);
        [number, last] = [Math.floor(number / unit), Math.floor(last / unit)];
    }
    return sides.length === count && last === 0 ? sides : null;
}

/** Returns the largest power of two that divides a number from 1 up. */
function powerOfTwoIn(number) {
    let power = 1;
    while (number % (2 * power) === 0) power *= 2;
    return power;
}

// --- Ed25519 (RFC 8032), without the cofactor, as OpenSSL does -----------------------------
/** Tells whether an Ed25519 signature is right; all three are bytes in hex. */
function verifyEd25519(signature, message, publicKey) {
    if (signature.length !== 128 || publicKey.length !== 64) return false;
    const { order, base } = numbers();
    const [commitment, response] = [signature.slice(0, 64), signature.slice(64)];
    const [factor, point] = [littleEndian(response), decodePoint(littleEndian(publicKey))];
    if (factor >= order || point === null) return false;
    const challenge = littleEndian(sha512(commitment + publicKey + message)) % order;
    const [x, y, z, t] = point;
    const found = sumOfProducts(factor, base, challenge, [-x, y, z, -t]);
    // Compared as it is written, so that a commitment written in any other way is refused.
    return encodePoint(found) === littleEndian(commitment);
}

/** Returns aP + bQ. A point is a list X, Y, Z, T with x = X/Z, y = Y/Z and xy = T/Z. */
function sumOfProducts(a, P, b, Q) {
    const addends = { "10": P, "01": Q, "11": addPoints(P, Q) };
    const [bitsOfA, bitsOfB] = [a, b].map((factor) => factor.toString(2).padStart(253, "0"));
    let sum = numbers().neutral;
    for (let at = 0; at < 253; at += 1) {
        const addend = addends[bitsOfA[at] + bitsOfB[at]];
        sum = addPoints(sum, sum);
        sum = addend ? addPoints(sum, addend) : sum;
    }
    return sum;
}

/** Adds any two points, the same one too: RFC 8032, 5.1.4, which knows no exception. */
function addPoints(P, Q) {
    const { prime, twiceD, two } = numbers();
    const a = ((P[1] - P[0]) * (Q[1] - Q[0])) % prime;
    const b = ((P[1] + P[0]) * (Q[1] + Q[0])) % prime;
    const c = (((P[3] * Q[3]) % prime) * twiceD) % prime;
    const d = (two * P[2] * Q[2]) % prime;
    const [e, f, g, h] = [b - a, d - c, d + c, b + a];
    return [(e * f) % prime, (g * h) % prime, (f * g) % prime, (e * h) % prime];
}

/** Returns the point that is written so, or null: RFC 8032, 5.1.3. */
function decodePoint(written) {
    const { prime, zero, one, topBit } = numbers();
    const [y, sign] = [written % topBit, written / topBit];
    const x = y < prime ? rootFor(y) : null;
    if (x === null || (x === zero && sign === one)) return null;
    const signed = (x & one) === sign ? x : prime - x;
    return [signed, y, one, modulo(signed * y)];
}

/** Returns an x that lies on the curve with y, or null: x² = u/v = (y² - 1) / (dy² + 1). */
function rootFor(y) {
    const { d, zero, one, rootExponent, rootOfMinusOne } = numbers();
    const [u, v] = [modulo(y * y - one), modulo(d * y * y + one)];
    const v3 = modulo(v * v * v);
    const x = modulo(u * v3 * power(u * v3 * v3 * v, rootExponent));
    const isRoot = (root) => modulo(v * root * root - u) === zero;
    return [x, modulo(x * rootOfMinusOne)].filter(isRoot).concat(null)[0];
}

/** Returns a point as it is written. */
function encodePoint([X, Y, Z]) {
    const { prime, one, two, topBit } = numbers();
    const inverse = power(Z, prime - two);
    return modulo(Y * inverse) + (modulo(X * inverse) & one) * topBit;
}

function power(number, exponent) {
    const factors = { "0": numbers().one, "1": number };
    const times = (found, bit) => modulo(found * found * factors[bit]);
    return exponent.toString(2).split("").reduce(times, factors[0]);
}

/** Returns the number's place in the field; `%` leaves negative ones negative. */
function modulo(number) {
    const { prime, zero } = numbers();
    const rest = number % prime;
    return rest < zero ? rest + prime : rest;
}

// --- SHA-256 and SHA-512 (RFC 6234), alike but for the length of words and a few numbers ----
/** Returns the SHA-256 of bytes in hex. */
const sha256 = (message) => sha2(numbers().sha256, message);
/** Returns the SHA-512 of bytes in hex. */
const sha512 = (message) => sha2(numbers().sha512, message);

function sha2(kind, message) {
    const state = blocksOf(message, 16 * kind.digits)
        .reduce((before, block) => compressed(kind, before, block), kind.initial);
    return state.map((word) => word.toString(16).padStart(kind.digits, "0")).join("");
}

function compressed(kind, state, block) {
    const { bits, mask, rounds, large0, large1 } = kind;
    let [a, b, c, d, e, f, g, h] = state;
    wordsOf(kind, block).forEach((word, at) => {
        const mixedE = mixed(e | (e << bits), e | (e << bits), large1);
        const mixedA = mixed(a | (a << bits), a | (a << bits), large0);
        const first = h + mixedE + ((e & f) ^ (~e & g)) + rounds[at] + word;
        const second = mixedA + ((a & b) ^ (a & c) ^ (b & c));
        [h, g, f, e] = [g, f, e, (d + first) & mask];
        [d, c, b, a] = [c, b, a, (first + second) & mask];
    });
    return [a, b, c, d, e, f, g, h].map((word, at) => (word + state[at]) & mask);
}

/** Returns a word for each round: those of the block, and what follows from them. */
function wordsOf({ bits, mask, digits, rounds, small0, small1 }, block) {
    const words = block.match(new RegExp(`.{${digits}}`, "g")).map(fromHex);
    for (let at = 16; at < rounds.length; at += 1) {
        const [early, late] = [words[at - 15], words[at - 2]];
        const mixedEarly = mixed(early | (early << bits), early, small0);
        const mixedLate = mixed(late | (late << bits), late, small1);
        words.push((words[at - 16] + mixedEarly + words[at - 7] + mixedLate) & mask);
    }
    return words;
}

/** Combines a word turned and turned or shifted; bits above it are left for the caller to mask. */
const mixed = (twice, last, by) => (twice >> by[0]) ^ (twice >> by[1]) ^ (last >> by[2]);

/** Returns the message in blocks, ended by a one bit, zeros, and its length in bits. */
function blocksOf(message, digits) {
    const length = (4 * message.length).toString(16).padStart(digits / 8, "0");
    const rest = (message.length + 2 + length.length) % digits;
    const whole = `${message}80${"0".repeat((digits - rest) % digits)}${length}`;
    return whole.match(new RegExp(`.{${digits}}`, "g"));
}

// --- Large numbers -------------------------------------------------------------------------
let known = null;

/** Returns the numbers of the hashes and of the curve, worked out at first use. */
function numbers() {
    if (known === null) {
        refuseUnless(typeof BigInt !== "undefined", "not_supported");
        const [zero, one, two] = [0, 1, 2].map(BigInt);
        known = { zero, one, two };
        known.sha256 = hashNumbers(32, 64, [[2, 13, 22], [6, 11, 25], [7, 18, 3], [17, 19, 10]]);
        known.sha512 = hashNumbers(64, 80, [[28, 34, 39], [14, 18, 41], [1, 8, 7], [19, 61, 6]]);
        addCurve(known);
    }
    return known;
}

/** The first bits after the point: of square roots to begin with, of cubic roots by round. */
function hashNumbers(bits, rounds, distances) {
    const mask = (BigInt(1) << BigInt(bits)) - BigInt(1);
    const primes = [];
    for (let number = 2; primes.length < rounds; number += 1) {
        if (primes.every((prime) => number % prime !== 0)) primes.push(number);
    }
    const fraction = (prime, degree) =>
        rootOf(BigInt(prime) << BigInt(bits * degree), degree) & mask;
    const [large0, large1, small0, small1] = distances.map((three) => three.map(BigInt));
    return {
        bits: BigInt(bits), digits: bits / 4, mask, large0, large1, small0, small1,
        initial: primes.slice(0, 8).map((prime) => fraction(prime, 2)),
        rounds: primes.map((prime) => fraction(prime, 3)),
    };
}

/** Returns the root of a number of less than 2^216, rounded down: Newton, from above. */
function rootOf(number, degree) {
    const nearer = (root) =>
        (BigInt(degree - 1) * root + number / (degree === 2 ? root : root * root)) / BigInt(degree);
    let root = BigInt(1) << BigInt(72);
    while (nearer(root) < root) root = nearer(root);
    return root;
}

/** RFC 8032, 5.1: the field, the order of the base point, the curve's d, the base point. */
function addCurve(found) {
    const { zero, one, two } = found;
    found.topBit = one << BigInt(255);
    found.prime = found.topBit - BigInt(19);
    found.order = (one << BigInt(252)) + BigInt("27742317777372353535851937790883648493");
    found.rootExponent = (found.prime - BigInt(5)) / BigInt(8);
    found.rootOfMinusOne = power(two, (found.prime - one) / BigInt(4));
    found.d = modulo(BigInt(-121665) * power(BigInt(121666), found.prime - two));
    found.twiceD = two * found.d;
    found.neutral = [zero, one, one, zero];
    found.base = decodePoint(fromHex(`${"66".repeat(31)}58`));
}

// --- JSON, of texts, whole numbers, nulls and objects only ---------------------------------
/**
 * Parses a receipt. JSON.parse will not do: of two values with one name it silently takes the
 * last, and it rounds numbers, so that two readers could read two things in one file.
 */
function parseJson(text) {
    const tokens = text.match(JSON_TOKENS) || [];
    const waiting = tokens.filter((token) => !/^[ \t\n\r]/.test(token)).reverse();
    const found = parseValue(waiting, 0);
    refuseUnless(waiting.length === 0, "not_a_receipt");
    return found;
}

/** Takes a value from the end of the tokens that wait. */
function parseValue(waiting, depth) {
    const token = waiting.pop() || "";
    if (token === "{") return parseObject(waiting, depth + 1);
    if (token === "null") return null;
    if (!JSON_NUMBER.test(token)) return parseText(token);
    refuseUnless(Number.isSafeInteger(Number(token)), "not_a_receipt");
    return Number(token) + 0; // there is no -0
}

function parseObject(waiting, depth) {
    refuseUnless(depth <= MOST_DEPTH, "not_a_receipt");
    const found = {};
    let divider = waiting[waiting.length - 1] === "}" ? waiting.pop() : ",";
    while (divider === ",") {
        const name = parseText(waiting.pop());
        // An object would not keep `__proto__` as it keeps others, and no receipt has it.
        const isNew = !has(found, name) && name !== "__proto__";
        refuseUnless(isNew && waiting.pop() === ":", "not_a_receipt");
        found[name] = parseValue(waiting, depth);
        divider = waiting.pop();
    }
    refuseUnless(divider === "}", "not_a_receipt");
    return found;
}

function parseText(token) {
    refuseUnless(JSON_TEXT.test(token), "not_a_receipt");
    const found = JSON.parse(token);
    utf8(found); // refuses half a character, which can be written as an escape
    return found;
}

/** Returns the one way to write a value: RFC 8785, names in the order of UTF-16 code units. */
function canonical(value) {
    if (!isObject(value)) return JSON.stringify(value);
    const member = (name) => `${JSON.stringify(name)}:${canonical(value[name])}`;
    return `{${Object.keys(value).sort().map(member).join(",")}}`;
}

const isText = (value) => typeof value === "string";
const isObject = (value) => typeof value === "object" && value !== null;
const has = (value, name) => Object.prototype.hasOwnProperty.call(value, name);

function hasExactly(value, names) {
    const isAsMany = isObject(value) && Object.keys(value).length === names.length;
    return isAsMany && names.every((name) => has(value, name));
}

// --- Bytes, in hex -------------------------------------------------------------------------
const writtenByte = (byte) => (256 + byte).toString(16).slice(1);
const fromHex = (bytes) => BigInt(`0x${bytes}`);
const littleEndian = (bytes) => fromHex(bytes.match(/../g).reverse().join(""));

/** Returns a text in UTF-8; throws where half a character stands alone. */
function utf8(text, code = "not_a_receipt") {
    const bytes = (part) => part.slice(1).toLowerCase() || writtenByte(part.charCodeAt(0));
    try {
        return encodeURIComponent(text).replace(/%..|./g, bytes);
    } catch (halfCharacter) {
        throw new ReceiptInvalid(code);
    }
}

/** Returns the bytes of base64, or null where it is not written as it would be written. */
function decode(text) {
    if (!isText(text) || !BASE64.test(text)) return null;
    const sixBits = (digit) => (64 + BASE64_DIGITS.indexOf(digit)).toString(2).slice(1);
    const bits = text.replace(/=/g, "").replace(/./g, sixBits);
    const bytes = bits.replace(/.{8}/g, (byte) => `${writtenByte(parseInt(byte, 2))},`).split(",");
    return /1/.test(bytes.pop()) ? null : bytes.join("");
}

module.exports = {
    verifyReceipt, openCheckpoint, verifyConsistency, ReceiptInvalid, sha256, sha512, verifyEd25519,
};
