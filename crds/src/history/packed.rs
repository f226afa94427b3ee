//! Old versions as they are stored: a few bytes each instead of an object, and no quotes, each of which an
//! API server escapes whenever it passes the annotation on.
//!
//! A row is the milliseconds since the row before (of the first: since 1970), then what is other than usual,
//! each a letter and a number; all numbers are to base 36. Three rows:
//! `mwq4b280B.00ada.A0T.00payments.P.00a shop.S.001Gi.I1;259tuR.00SHOP-17: sale.I2;ffk0R.668.I1;`
//!
//! | letter | number | left out |
//! |---|---|---|
//! | `N` | nanoseconds beyond the milliseconds | none |
//! | `V` | version | one more than the row before |
//! | `B` | text: who made it | as of the row before |
//! | `A` | what was done, by its place in [`Action::ALL`] | `updated` |
//! | `R` | text: why | no reason |
//! | `T`, `P`, `S` | text: the new owner team, purpose, storage | as before |
//! | `I` | new number of instances | as before |
//!
//! A text stands once, between two dots; after that its number says that it is meant: the first is 0. Who
//! changes a database hundreds of times is a program, whose reasons differ by a number: so a text begins with
//! how many bytes it shares with the text before, two digits, at its beginning and at its end, and what stands
//! there is the rest. `~0` and `~1` in it are a tilde and a dot.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use jiff::Timestamp;

use super::{Action, Changes, Row};

/// What rows and texts may take once they are unpacked: a text stands once here, and in each row then. The
/// webhook reads histories that it has not written.
const LARGEST_UNPACKED_BYTES: usize = 2 * 1024 * 1024;
/// What a row takes without its texts, about. Said here, since the size of a type is the compiler's, and what
/// is packed must not depend on who packs it.
const ROW_BYTES: usize = 200;
/// The same of a text.
const TEXT_BYTES: usize = 24;
const BASE: u32 = 36;
/// What one digit can say.
const MOST_SHARED: usize = 35;
const NANOSECONDS: i128 = 1_000_000;

/// What a row is told apart from: the one before.
#[derive(Clone, Copy)]
struct Before {
    version: u64,
    milliseconds: i64,
    by: Option<usize>,
}

impl Before {
    fn first(version: u64) -> Self {
        Self {
            version,
            milliseconds: 0,
            by: None,
        }
    }

    fn next_version(self) -> u64 {
        self.version.saturating_add(1)
    }
}

/// The oldest of the rows, as many as may be packed, and how many these are. `version` is that before them.
pub(super) fn pack(rows: &[Row], version: u64) -> (String, usize) {
    let mut packer = Packer {
        written: String::new(),
        texts: Vec::new(),
        // With room for a reason each.
        places: HashMap::with_capacity(rows.len()),
    };
    let mut before = Before::first(version);
    let mut room = LARGEST_UNPACKED_BYTES;
    let mut count = 0;
    for row in rows {
        // Its texts may be new, too.
        let Some(left) = room.checked_sub(2 * unpacked_bytes(row)) else {
            break;
        };
        room = left;
        before = packer.row(row, before);
        count += 1;
    }
    (packer.written, count)
}

struct Packer<'a> {
    written: String,
    /// So far, by their numbers.
    texts: Vec<&'a str>,
    places: HashMap<&'a str, usize>,
}

impl<'a> Packer<'a> {
    /// Writes a row; what the next is told apart from.
    fn row(&mut self, row: &'a Row, before: Before) -> Before {
        let (milliseconds, beyond) = since_1970(row.from);
        self.signed(milliseconds.saturating_sub(before.milliseconds));
        if beyond != 0 {
            self.field('N', beyond);
        }
        if row.version != before.next_version() {
            self.field('V', row.version);
        }
        let is_the_same = |place: &usize| self.texts.get(*place) == Some(&row.by.as_str());
        let by = before.by.filter(is_the_same);
        let by = by.unwrap_or_else(|| self.text('B', &row.by));
        if row.action != Action::Updated {
            self.field('A', row.action as u64);
        }
        let set = &row.set;
        for (letter, text) in [
            ('R', &row.reason),
            ('T', &set.owner_team),
            ('P', &set.purpose),
            ('S', &set.storage),
        ] {
            if let Some(text) = text {
                self.text(letter, text);
            }
        }
        if let Some(instances) = set.instances {
            self.written.push('I');
            self.signed(instances);
        }
        self.written.push(';');
        Before {
            version: row.version,
            milliseconds,
            by: Some(by),
        }
    }

    /// Writes a text, or the number of one that is there; that number.
    fn text(&mut self, letter: char, text: &'a str) -> usize {
        if let Some(place) = self.places.get(text).copied() {
            self.field(letter, place as u64);
            return place;
        }
        let shared = Shared::between(self.texts.last().copied().unwrap_or_default(), text);
        self.written.extend([letter, '.']);
        push_digits(&mut self.written, shared.beginning as u64);
        push_digits(&mut self.written, shared.end as u64);
        let own = shared.rest(text);
        if own.contains(['~', '.']) {
            self.written
                .push_str(&own.replace('~', "~0").replace('.', "~1"));
        } else {
            self.written.push_str(own);
        }
        self.written.push('.');
        let place = self.texts.len();
        self.texts.push(text);
        self.places.insert(text, place);
        place
    }

    fn field(&mut self, letter: char, number: u64) {
        self.written.push(letter);
        push_digits(&mut self.written, number);
    }

    fn signed(&mut self, number: i64) {
        if number < 0 {
            self.written.push('-');
        }
        push_digits(&mut self.written, number.unsigned_abs());
    }
}

/// How many bytes two texts share, whole characters all of them.
#[derive(Clone, Copy)]
struct Shared {
    beginning: usize,
    end: usize,
}

impl Shared {
    fn between(before: &str, text: &str) -> Self {
        let mut beginning = same(before.bytes(), text.bytes(), MOST_SHARED);
        while !text.is_char_boundary(beginning) {
            beginning -= 1;
        }
        let left = before.len().min(text.len()) - beginning;
        let mut end = same(
            before.bytes().rev(),
            text.bytes().rev(),
            left.min(MOST_SHARED),
        );
        while !text.is_char_boundary(text.len() - end) {
            end -= 1;
        }
        Self { beginning, end }
    }

    /// What of a text is its own.
    fn rest(self, text: &str) -> &str {
        text.get(self.beginning..text.len() - self.end)
            .unwrap_or_default()
    }

    /// The text that has `rest` and shares the rest of it with `before`; none where that has no such rest.
    fn with(self, before: &str, rest: &str) -> Option<String> {
        let left = before.len().checked_sub(self.beginning + self.end)?;
        let beginning = before.get(..self.beginning)?;
        let end = before.get(self.beginning + left..)?;
        Some([beginning, rest, end].concat())
    }
}

fn same(one: impl Iterator<Item = u8>, other: impl Iterator<Item = u8>, most: usize) -> usize {
    let pairs = one.zip(other).take(most);
    pairs.take_while(|(one, other)| one == other).count()
}

fn push_digits(out: &mut String, number: u64) {
    let base = u64::from(BASE);
    if number >= base {
        push_digits(out, number / base);
    }
    let digit = u32::try_from(number % base).unwrap_or_default();
    out.extend(char::from_digit(digit, BASE));
}

/// The rows that were packed; `version` is that before them.
pub(super) fn unpack(packed: &str, version: u64) -> Result<Vec<Row>, String> {
    let mut unpacker = Unpacker {
        rest: packed,
        texts: Vec::new(),
        room: LARGEST_UNPACKED_BYTES,
    };
    let mut rows = Vec::new();
    let mut before = Before::first(version);
    while !unpacker.rest.is_empty() {
        let row;
        (row, before) = unpacker.row(before).ok_or_else(|| {
            let at = packed.len() - unpacker.rest.len();
            format!("what is packed is no version, or too large, at byte {at}")
        })?;
        rows.push(row);
    }
    Ok(rows)
}

struct Unpacker<'a> {
    rest: &'a str,
    /// So far, by their numbers.
    texts: Vec<String>,
    /// What may still be taken, in bytes.
    room: usize,
}

impl Unpacker<'_> {
    fn row(&mut self, mut before: Before) -> Option<(Row, Before)> {
        let mut version = before.next_version();
        let mut action = Action::Updated;
        let mut reason = None;
        let mut set = Changes::default();
        let mut beyond = 0;
        let since = self.signed()?;
        before.milliseconds = before.milliseconds.checked_add(since)?;
        loop {
            match self.letter()? {
                ';' => break,
                'N' => beyond = self.unsigned()?,
                'V' => version = self.unsigned()?,
                'B' => before.by = Some(self.text()?),
                'A' => action = *Action::ALL.get(usize::try_from(self.unsigned()?).ok()?)?,
                'R' => reason = Some(self.copy()?),
                'T' => set.owner_team = Some(self.copy()?),
                'P' => set.purpose = Some(self.copy()?),
                'S' => set.storage = Some(self.copy()?),
                'I' => set.instances = Some(self.signed()?),
                _ => return None,
            }
        }
        before.version = version;
        let row = Row {
            version,
            from: instant(before.milliseconds, beyond)?,
            by: self.texts.get(before.by?)?.clone(),
            reason,
            action,
            set,
        };
        self.room = self.room.checked_sub(unpacked_bytes(&row))?;
        Some((row, before))
    }

    fn letter(&mut self) -> Option<char> {
        let letter = self.rest.chars().next()?;
        self.rest = self.rest.get(letter.len_utf8()..)?;
        Some(letter)
    }

    fn copy(&mut self) -> Option<String> {
        let place = self.text()?;
        self.texts.get(place).cloned()
    }

    /// The number of a text that is there, or comes now.
    fn text(&mut self) -> Option<usize> {
        let Some(new) = self.rest.strip_prefix('.') else {
            let place = usize::try_from(self.unsigned()?).ok()?;
            return (place < self.texts.len()).then_some(place);
        };
        let (text, rest) = new.split_once('.')?;
        self.rest = rest;
        let mut characters = text.chars();
        let mut digit = || Some(characters.next()?.to_digit(BASE)? as usize);
        let shared = Shared {
            beginning: digit()?,
            end: digit()?,
        };
        let own = characters.as_str();
        let before = self.texts.last().map_or("", String::as_str);
        let text = if own.contains('~') {
            shared.with(before, &own.replace("~1", ".").replace("~0", "~"))
        } else {
            shared.with(before, own)
        };
        let text = text?;
        self.room = self.room.checked_sub(TEXT_BYTES + text.len())?;
        self.texts.push(text);
        Some(self.texts.len() - 1)
    }

    fn signed(&mut self) -> Option<i64> {
        let Some(positive) = self.rest.strip_prefix('-') else {
            return i64::try_from(self.unsigned()?).ok();
        };
        self.rest = positive;
        0i64.checked_sub_unsigned(self.unsigned()?)
    }

    fn unsigned(&mut self) -> Option<u64> {
        let is_digit = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
        let end = self.rest.bytes().take_while(is_digit).count();
        let (digits, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        u64::from_str_radix(digits, BASE).ok()
    }
}

fn since_1970(instant: Timestamp) -> (i64, u64) {
    let nanoseconds = instant.as_nanosecond();
    let milliseconds = i64::try_from(nanoseconds.div_euclid(NANOSECONDS));
    let beyond = u64::try_from(nanoseconds.rem_euclid(NANOSECONDS));
    (milliseconds.unwrap_or_default(), beyond.unwrap_or_default())
}

fn instant(milliseconds: i64, beyond: u64) -> Option<Timestamp> {
    if beyond == 0 {
        return Timestamp::from_millisecond(milliseconds).ok();
    }
    let nanoseconds = i128::from(milliseconds) * NANOSECONDS + i128::from(beyond);
    Timestamp::from_nanosecond(nanoseconds).ok()
}

/// What a row takes in memory, about.
fn unpacked_bytes(row: &Row) -> usize {
    ROW_BYTES + row.text_bytes()
}
