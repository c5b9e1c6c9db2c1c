// Labels texts with a model.onnx of seqtrain's, by docs/formats.md: with onnxruntime-web (WebAssembly) alone.
//
//     node predict.mjs model.onnx < texts
//
// Standard input has a text a line, in UTF-8. Each gives a line on standard output, in the same order: its label, a
// tab, the label's probability. ../python/predict.py is the same program in Python.

import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import * as ort from "onnxruntime-web";

const FORMAT = 5, RULE_VERSION = 1; // of the metadata, and of the tokenizer's rule
const UNK = 1; // the ids 0 and 1 are <pad> and <unk>, which stand for no word of a text
const BATCH = 32; // texts that the model gets together; another number gives the same answers

// The metadata of a model file, by key. onnxruntime-web does not show them. A field of a protobuf message is its
// number and its type in one varint, and then its value. Top-level field 14 holds an entry: 1 is its key, 2 its value.
function metadataOf(content) {
  const text = (bytes) => new TextDecoder().decode(bytes);
  const entries = [...fields(content)].filter(([number]) => number === 14);
  return Object.fromEntries(entries.map(([, entry]) => {
    const parts = Object.fromEntries(fields(entry));
    return [text(parts[1]), text(parts[2])];
  }));
}

// The [number, bytes] of all fields that have a length; numbers are passed over.
function* fields(bytes) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) { // not <<, which is for 32 bits
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const type = tag & 7;
    if (type === 0) varint();
    else if (type === 2) {
      const length = varint();
      yield [tag >> 3, bytes.subarray(at, at + length)];
      at += length;
    } else at += type === 1 ? 8 : 4;
  }
}

// A function from a text to its tokens. settings: `tokenizer` of the metadata; rule: the entry `word_rule`.
function makeTokenizer(settings, rule) {
  require(settings.version === RULE_VERSION && rule.version === RULE_VERSION, "its tokenizer follows another rule");
  const token = new RegExp(rule.pattern.replace(/{(.)}/g, (_, name) => rule[name]), "gu");
  const separator = new RegExp(`[${rule.Z}]`, "gu");
  const replaced = (text, table) => Array.from(text, (character) => table[character] ?? character).join("");
  const mapped = (text) => {
    const result = replaced(text.toWellFormed(), rule.replace);
    return settings.lowercase ? replaced(result, rule.lower) : result;
  };
  const kinds = {
    word: (text) => mapped(text).match(token) ?? [],
    whitespace: (text) => text.split(separator).map((run) => mapped(run).replace(separator, "")).filter(Boolean),
    char: (text) => Array.from(mapped(text).replace(separator, " ")),
  };
  const most = settings.max_length;
  const first = { head: most, tail: 0, middle: most - Math.floor(most / 2) }[settings.truncate];
  return (text) => {
    const tokens = kinds[settings.kind](text);
    if (tokens.length <= most) return tokens;
    return [...tokens.slice(0, first), ...tokens.slice(tokens.length - (most - first))];
  };
}

function require(condition, problem) {
  if (condition) return;
  console.error(`predict.mjs cannot read this model: ${problem}`);
  process.exit(1);
}

// The lines of bytes in UTF-8; LF and CRLF end a line, and nothing else does.
function linesOf(bytes) {
  const lines = new TextDecoder().decode(bytes).replaceAll("\r\n", "\n").split("\n");
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

const content = await readFile(process.argv[2]);
const entries = metadataOf(content);
const metadata = JSON.parse(entries.seqtrain);
require(metadata.format === FORMAT, `its format is ${metadata.format}, not ${FORMAT}`);
const tokenize = makeTokenizer(metadata.tokenizer, JSON.parse(entries.word_rule));
const ids = new Map(metadata.vocabulary.map((token, id) => [token, id]).slice(UNK + 1));
const session = await ort.InferenceSession.create(content);

// The token ids of a text, at least one.
function encode(text) {
  const tokens = tokenize(text);
  return tokens.length ? tokens.map((token) => ids.get(token) ?? UNK) : [UNK];
}

// A list of probabilities for each text; the texts are padded to the length of the longest.
async function probabilities(texts) {
  const rows = texts.map(encode);
  const time = Math.max(...rows.map((row) => row.length));
  const padded = new Int32Array(rows.length * time);
  rows.forEach((row, index) => padded.set(row, index * time));
  const answer = await session.run({
    token_ids: new ort.Tensor("int32", padded, [rows.length, time]),
    lengths: new ort.Tensor("int32", Int32Array.from(rows, (row) => row.length), [rows.length]),
  });
  const classes = metadata.labels.length;
  return rows.map((_, index) => answer.probabilities.data.subarray(index * classes, (index + 1) * classes));
}

// The number of a text's label, from its probabilities.
function answer(row) {
  if (metadata.decision === null) return row.indexOf(Math.max(...row));
  return row[1] >= metadata.decision.threshold ? 1 : 0;
}

const texts = linesOf(await buffer(process.stdin));
for (let start = 0; start < texts.length; start += BATCH) {
  for (const row of await probabilities(texts.slice(start, start + BATCH))) {
    const label = answer(row);
    console.log(`${metadata.labels[label]}\t${row[label].toFixed(4)}`);
  }
}
