// The filter and the order of the pictures.

/** A test for the units that a word names: 12, 9-12, 0:768:8, 3,5,9-12. Null if the word is not a range. */
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

/** A test for pictures that match every word: a number or range names units, any other word is part of the label or model. */
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

/** The matching pictures in order. The sort is stable: equal ones stay sorted by layer, unit and time. */
function findPictures(pictures, { words, layer, least, most, order }) {
  const fits = wordTest(words);
  return pictures
    .filter((p) => (!layer || p.layer === layer) && p.activation >= least && p.activation <= most && fits(p))
    .sort(ORDERS[order]);
}

/** The prefix that all layers share, up to a dot; labels leave it out. */
function commonPrefix(layers) {
  if (layers.length < 2) return "";
  const parts = layers.map((layer) => layer.split("."));
  let count = 0;
  while (parts.every((part) => part.length > count + 1 && part[count] === parts[0][count])) count += 1;
  return parts[0].slice(0, count).join(".") + (count ? "." : "");
}

/** A number for people: three significant digits, with all digits before the point. */
function short(value) {
  const text = Math.abs(value) >= 1000 && Math.abs(value) < 1e9 ? value.toFixed(0) : value.toPrecision(3);
  return text.replace("-", "\u2212");
}
