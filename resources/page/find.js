// Which pictures fit what is asked for, and in which order.

/** A test for the units that a word names: 12, 9-12, 0:768:8, 3,5,9-12. Null where the word is none of these. */
function parseRange(word) {
  const tests = [];
  for (const part of word.split(",").filter(Boolean)) {
    const span = /^(\d+)(?:-(\d+))?$/.exec(part);
    const slice = /^(\d*):(\d*)(?::(\d*))?$/.exec(part);
    if (span) {
      const first = Number(span[1]);
      const last = Number(span[2] ?? span[1]);
      tests.push((unit) => unit >= first && unit <= last);
    } else if (slice) {
      const start = Number(slice[1]);
      const end = slice[2] ? Number(slice[2]) : Infinity;
      const step = Number(slice[3]) || 1;
      tests.push((unit) => unit >= start && unit < end && (unit - start) % step === 0);
    } else {
      return null;
    }
  }
  return tests.length ? (unit) => tests.some((test) => test(unit)) : null;
}

/** Whether a picture fits every word: a number or range names units, anything else is part of its label or model. */
function wordTest(words) {
  const tests = words
    .toLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => {
      const range = parseRange(word);
      return (picture) =>
        range !== null && picture.unit !== null ? range(picture.unit) : picture.haystack.includes(word);
    });
  return (picture) => tests.every((test) => test(picture));
}

const ORDERS = {
  unit: () => 0,
  highest: (a, b) => b.activation - a.activation,
  lowest: (a, b) => a.activation - b.activation,
  newest: (a, b) => (a.recipe.date < b.recipe.date ? 1 : a.recipe.date > b.recipe.date ? -1 : 0),
};

/** The pictures that fit, in order; equal ones stay as they were: by layer, unit and time. */
function findPictures(pictures, { words, layer, least, most, order }) {
  const fits = wordTest(words);
  return pictures
    .filter((p) => (!layer || p.layer === layer) && p.activation >= least && p.activation <= most && fits(p))
    .sort(ORDERS[order]);
}

/** What the layers of all pictures begin with alike, up to a dot; it tells nothing. */
function commonPrefix(layers) {
  if (layers.length < 2) return "";
  const parts = layers.map((layer) => layer.split("."));
  let count = 0;
  while (parts.every((part) => part.length > count + 1 && part[count] === parts[0][count])) count += 1;
  return parts[0].slice(0, count).join(".") + (count ? "." : "");
}

/** A number as people read it: three significant digits, and no fewer digits before the point than there are. */
function short(value) {
  const text = Math.abs(value) >= 1000 && Math.abs(value) < 1e9 ? value.toFixed(0) : value.toPrecision(3);
  return text.replace("-", "\u2212");
}
