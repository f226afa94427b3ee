//! Takes a list apart while it comes in, so that no more of it is held than one element.

use std::ops::Range;

/// An element of a list, or what is said of the whole list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    /// The field of the answer that it stands in: `items`, `rows`, `columnDefinitions`, `metadata`.
    pub(super) field: &'a str,
    /// The element, or the whole field where that is an object.
    pub(super) json: &'a [u8],
}

/// A JSON object whose fields are lists of objects, byte by byte.
#[derive(Debug, Default)]
pub(super) struct Split {
    /// Brackets that are open.
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The last string at the top: the name of the field that a value follows.
    field: String,
    /// What has come of the part that is being read, and how deep its bracket lies.
    part: Option<(Vec<u8>, usize)>,
}

impl Split {
    /// Reads on, and hands over every part that ends here.
    ///
    /// # Errors
    /// Those of `take`.
    pub(super) fn feed<E>(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(Part<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        // Where in `bytes` the part begins, or goes on.
        let mut from = self.part.as_ref().map(|_| 0);
        let mut next = 0;
        while let Some(byte) = bytes.get(next) {
            let at = next;
            next += 1;
            if self.in_string {
                next = at + self.within_string(bytes.get(at..).unwrap_or_default());
                continue;
            }
            match byte {
                b'"' => {
                    self.in_string = true;
                    if self.depth == 1 {
                        self.field.clear();
                    }
                }
                b'{' | b'[' => {
                    self.depth += 1;
                    // An object that is a field, or an element of a list that is one.
                    let begins = *byte == b'{' && (self.depth == 2 || self.depth == 3);
                    if begins && self.part.is_none() {
                        self.part = Some((Vec::new(), self.depth));
                        from = Some(at);
                    }
                }
                b'}' | b']' => {
                    if let Some((mut part, _)) =
                        self.part.take_if(|(_, depth)| *depth == self.depth)
                    {
                        let rest = bytes.get(within(from.take(), at)).unwrap_or_default();
                        let json = if part.is_empty() {
                            rest
                        } else {
                            part.extend_from_slice(rest);
                            &part
                        };
                        let field = &self.field;
                        take(Part { field, json })?;
                    }
                    self.depth = self.depth.saturating_sub(1);
                }
                _ => {}
            }
        }
        if let (Some((part, _)), Some(from)) = (&mut self.part, from) {
            part.extend_from_slice(bytes.get(from..).unwrap_or_default());
        }
        Ok(())
    }

    /// Reads on in a string, which most of a list is; returns how far. Never nothing.
    fn within_string(&mut self, bytes: &[u8]) -> usize {
        if std::mem::take(&mut self.escaped) {
            return 1;
        }
        let plain = memchr::memchr2(b'"', b'\\', bytes);
        let read = bytes
            .get(..plain.unwrap_or(bytes.len()))
            .unwrap_or_default();
        if self.depth == 1 {
            self.field.push_str(&String::from_utf8_lossy(read));
        }
        match plain.and_then(|at| bytes.get(at)) {
            Some(b'"') => self.in_string = false,
            Some(_) => self.escaped = true,
            None => return read.len(),
        }
        read.len() + 1
    }

    /// Whether everything that was begun has ended.
    pub(super) fn is_complete(&self) -> bool {
        self.depth == 0
    }
}

/// From there to the bracket at `at`.
fn within(from: Option<usize>, at: usize) -> Range<usize> {
    from.unwrap_or_default()..at + 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn parts(text: &str, chunk: usize) -> Vec<(String, Value)> {
        let (mut split, mut found) = (Split::default(), Vec::new());
        for bytes in text.as_bytes().chunks(chunk) {
            let fed: Result<(), ()> = split.feed(bytes, |part| {
                let json = serde_json::from_slice(part.json).unwrap();
                found.push((part.field.to_owned(), json));
                Ok(())
            });
            fed.unwrap();
        }
        assert!(split.is_complete());
        found
    }

    #[test]
    fn wherever_it_is_cut() {
        let first = json!({"metadata": {"name": "a}]\"\\", "labels": {}}, "spec": {"list": [{"items": [1]}]}});
        let list = json!({"kind": "ClusterList", "items": [first, {}], "metadata": {"continue": "x"}, "rows": [], "odd": [1, [2]]});
        let text = list.to_string();
        let expected = parts(&text, text.len());
        let fields: Vec<&str> = expected.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["items", "items", "metadata"]);
        assert_eq!(expected[0].1, first);
        for chunk in 1..text.len() {
            assert_eq!(parts(&text, chunk), expected, "{chunk}");
        }
    }

    #[test]
    fn what_breaks_off_is_not_complete() {
        let mut split = Split::default();
        let fed: Result<(), ()> = split.feed(br#"{"items": [{"a": 1}, {"b""#, |_| Ok(()));
        assert!(fed.is_ok() && !split.is_complete());
    }

    proptest! {
        #[test]
        fn never_panics(text in r#"[\{\}\[\]",:\\a]{0,40}"#, chunk in 1_usize..9) {
            let mut split = Split::default();
            for bytes in text.as_bytes().chunks(chunk) {
                let fed: Result<(), ()> = split.feed(bytes, |_| Ok(()));
                prop_assert!(fed.is_ok());
            }
        }
    }
}
