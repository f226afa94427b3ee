//! Words for a shell, in commands that are printed to be typed.

/// The text as one word of a shell.
pub(crate) fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,@%+".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_words() {
        assert_eq!(quoted("10Gi"), "10Gi");
        assert_eq!(quoted("order intake"), "'order intake'");
        assert_eq!(quoted("Ada's"), r"'Ada'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
