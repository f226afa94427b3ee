//! Values as Go prints them: kubectl's templates are Go's.

use std::io::{self, Write};

use serde::Serialize as _;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

/// From this exponent on `fmt` writes a float with one.
const LARGE: i32 = 21;
/// Below this exponent `fmt` does, too.
const SMALL: i32 = -4;
/// As [`SMALL`], for JSON.
const SMALL_IN_JSON: i32 = -6;

/// As `fmt.Sprint` does.
pub(super) fn sprint(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => self::float(float, SMALL),
            _ => number.to_string(),
        },
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(sprint).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(map) => {
            let mut pairs: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{key}:{}", sprint(value)))
                .collect();
            pairs.sort();
            format!("map[{}]", pairs.join(" "))
        }
    }
}

/// As `json.Marshal` does: on one line, with what HTML reserves escaped.
pub(super) fn marshal(value: &Value) -> String {
    let mut buffer = Vec::new();
    // Writing into memory does not fail, and every key of a value is text.
    let _ = value.serialize(&mut Serializer::with_formatter(&mut buffer, Marshal));
    String::from_utf8_lossy(&buffer).into_owned()
}

/// The shortest digits that read back as the same number.
fn float(value: f64, small: i32) -> String {
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    match exponent.parse::<i32>() {
        Ok(exponent) if exponent < small || exponent >= LARGE => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => value.to_string(),
    }
}

struct Marshal;

impl Formatter for Marshal {
    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        // JSON has no leading zero in an exponent: `1e-7`.
        let text = float(value, SMALL_IN_JSON).replace("e-0", "e-");
        writer.write_all(text.as_bytes())
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let escaped = fragment
            .replace('&', "\\u0026")
            .replace('<', "\\u003c")
            .replace('>', "\\u003e")
            .replace('\u{2028}', "\\u2028")
            .replace('\u{2029}', "\\u2029");
        writer.write_all(escaped.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(json!(1.0), "1")]
    #[case(json!(0.5), "0.5")]
    #[case(json!(1e21), "1e+21")]
    #[case(json!(1e20), "100000000000000000000")]
    #[case(json!(0.00001), "1e-05")]
    #[case(json!(null), "<nil>")]
    #[case(json!({"b": [1, "x"], "a": true}), "map[a:true b:[1 x]]")]
    fn prints_like_fmt(#[case] value: Value, #[case] text: &str) {
        assert_eq!(sprint(&value), text);
    }

    #[test]
    fn marshals_like_encoding_json() {
        let value = json!({"a": "<b> & \"c\"", "n": 1.0, "small": 0.000_000_1});
        assert_eq!(
            marshal(&value),
            r#"{"a":"\u003cb\u003e \u0026 \"c\"","n":1,"small":1e-7}"#
        );
    }
}
