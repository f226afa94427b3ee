//! Sentences in a window: broken between words. Commands are never broken: they are to be copied.

/// Columns of the terminal that stdout is; none where it is a file or a pipe, and lines stay whole.
pub(crate) fn width() -> Option<usize> {
    let (terminal_size::Width(columns), _) = terminal_size::terminal_size_of(std::io::stdout())?;
    Some(usize::from(columns))
}

/// The text with that before each of its lines.
pub(crate) fn wrapped(text: &str, before: &str, width: Option<usize>) -> String {
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(before.len()));
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split_whitespace() {
        let longer = line.chars().count() + 1 + word.chars().count();
        if !line.is_empty() && longer > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    super::lines(lines.into_iter().map(|line| format!("{before}{line}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole() {
        let text = "the image cannot be pulled";
        assert_eq!(
            wrapped(text, "  ", Some(16)),
            "  the image\n  cannot be\n  pulled\n"
        );
        assert_eq!(wrapped(text, "  ", None), format!("  {text}\n"));
        assert_eq!(
            wrapped("averylongword b", "", Some(4)),
            "averylongword\nb\n"
        );
    }
}
