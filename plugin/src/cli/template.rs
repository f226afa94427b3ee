//! kubectl's `--template`: the template of `-o go-template`, `-o jsonpath` and their like, in a flag
//! of its own. Each command reads it where it reads `-o`, and so it is put there before the command
//! line is read.

use std::ffi::{OsStr, OsString};

const FLAG: &str = "--template";
/// Words of `-o` that take a template.
const WORDS: [&str; 5] = [
    "go-template",
    "go-template-file",
    "jsonpath",
    "jsonpath-as-json",
    "jsonpath-file",
];
/// What a template is where `-o` is not given, as kubectl takes it.
const DEFAULT: &str = "go-template";

/// The arguments, with the template behind the word of `-o`. Where that takes none, they are as they
/// were, and the flag is refused by [`super::Cli::refuse_template`].
pub(crate) fn with_template(arguments: Vec<OsString>) -> Vec<OsString> {
    let Some(template) = Found::flag(&arguments, &[FLAG]) else {
        return arguments;
    };
    let word = match Found::flag(&arguments, &["--output", "-o"]) {
        None => Some((DEFAULT.to_owned(), None)),
        Some(output) => WORDS
            .iter()
            .find(|word| output.value == **word)
            .map(|word| ((*word).to_owned(), Some(output))),
    };
    let Some((word, output)) = word else {
        return arguments;
    };
    let mut joined = OsString::from(format!("--output={word}="));
    joined.push(&template.value);
    let is_taken = |at: usize| {
        let of = |found: &Found| (found.at..found.at + found.length).contains(&at);
        of(&template) || output.as_ref().is_some_and(of)
    };
    let at = output.as_ref().unwrap_or(&template).at;
    let mut result = Vec::with_capacity(arguments.len());
    for (index, argument) in arguments.iter().enumerate() {
        if index == at {
            result.push(joined.clone());
        }
        if !is_taken(index) {
            result.push(argument.clone());
        }
    }
    result
}

/// A flag with its value.
struct Found {
    at: usize,
    /// How many arguments both take.
    length: usize,
    value: OsString,
}

impl Found {
    /// The last one, which counts for kubectl; what follows `--` is somebody else's.
    fn flag(arguments: &[OsString], names: &[&str]) -> Option<Self> {
        let ours = arguments.iter().take_while(|argument| *argument != "--");
        let ours: Vec<&OsStr> = ours.map(OsString::as_os_str).collect();
        let mut found = ours.iter().enumerate().filter_map(|(at, argument)| {
            let name = names.iter().find_map(|name| {
                let rest = argument.to_str()?.strip_prefix(name)?;
                Some((*name, rest))
            });
            let (name, rest) = name?;
            let is_short = !name.starts_with("--");
            let (length, value) = match rest.strip_prefix('=') {
                Some(value) => (1, OsString::from(value)),
                None if rest.is_empty() => (2, (*ours.get(at + 1)?).to_owned()),
                None if is_short => (1, OsString::from(rest)),
                None => return None,
            };
            Some(Self { at, length, value })
        });
        found.next_back()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        "get a -o go-template --template {{.x}}",
        "get a --output=go-template={{.x}}"
    )]
    #[case("get --template={.x} -ojsonpath a", "get --output=jsonpath={.x} a")]
    #[case("get a --template {{.x}}", "get a --output=go-template={{.x}}")]
    #[case(
        "get a --output=go-template-file --template f",
        "get a --output=go-template-file=f"
    )]
    #[case("get a -o json --template x", "get a -o json --template x")]
    #[case("get a -o go-template={{.x}}", "get a -o go-template={{.x}}")]
    #[case("connect a -- --template x", "connect a -- --template x")]
    fn the_template_goes_behind_its_word(#[case] typed: &str, #[case] read: &str) {
        let arguments = typed.split(' ').map(OsString::from).collect();
        let expected: Vec<OsString> = read.split(' ').map(OsString::from).collect();
        assert_eq!(with_template(arguments), expected);
    }
}
