//! Reading a template.

use jsonpath_rust::parser::model::{Segment, Selector};
use serde_json::Value;

use super::{Filter, Node, Operator, Path, Slice, Step};

/// What ends a name.
const ENDS: [char; 8] = ['.', ',', '[', ']', '$', '@', '{', '}'];
/// Two characters before one, so that `<=` is not read as `<`.
const OPERATORS: [(&str, Operator); 6] = [
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
];
/// Braces, brackets and filters within each other; people write two or three.
const DEEPEST: usize = 32;

/// What one pair of braces says.
enum Action {
    Print(Path),
    Range(Path),
    End,
}

/// The nodes of a template.
pub(super) fn template(text: &str) -> Result<Vec<Node>, String> {
    // The bodies of the ranges that are open, and what each ranges over.
    let mut open: Vec<(Path, Vec<Node>)> = Vec::new();
    let mut nodes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        if !before.is_empty() {
            nodes.push(Node::Text(before.to_owned()));
        }
        let inside = closing(after, '}').ok_or_else(|| "unclosed action".to_owned())?;
        let (inside, after) = inside;
        match action(inside)? {
            Action::Print(path) => nodes.push(Node::Print(path)),
            Action::Range(path) => open.push((path, std::mem::take(&mut nodes))),
            Action::End => {
                let (path, outer) = open
                    .pop()
                    .ok_or_else(|| "not in range, nothing to end".to_owned())?;
                let body = std::mem::replace(&mut nodes, outer);
                nodes.push(Node::Range(path, body));
            }
        }
        rest = after;
    }
    if !rest.is_empty() {
        nodes.push(Node::Text(rest.to_owned()));
    }
    // A range without an end goes to the end of the template, as kubectl's does.
    while let Some((path, outer)) = open.pop() {
        let body = std::mem::replace(&mut nodes, outer);
        nodes.push(Node::Range(path, body));
    }
    Ok(nodes)
}

fn action(text: &str) -> Result<Action, String> {
    let text = text.trim();
    if text == "end" {
        return Ok(Action::End);
    }
    match text.strip_prefix("range") {
        Some(over) if !over.starts_with(|c: char| c.is_alphanumeric()) => {
            Ok(Action::Range(path(over, 0)?))
        }
        _ => Ok(Action::Print(path(text, 0)?)),
    }
}

/// What stands before the closing character, quotes skipped, and what comes after it.
fn closing(text: &str, end: char) -> Option<(&str, &str)> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (_, '\\') => escaped = true,
            (Some(open), _) => quote = (open != c).then_some(open),
            (None, _) if c == end => {
                return Some((text.get(..at)?, text.get(at + c.len_utf8()..)?));
            }
            (None, '"' | '\'') => quote = Some(c),
            _ => {}
        }
    }
    None
}

fn path(text: &str, depth: usize) -> Result<Path, String> {
    if depth > DEEPEST {
        return Err(format!("more than {DEEPEST} brackets within each other"));
    }
    let mut steps = Vec::new();
    let mut descent = false;
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let step = if let Some(after) = rest.strip_prefix("[?(") {
            let (inside, after) = filter_end(after)?;
            rest = after;
            Step::Filter(Box::new(filter(inside, depth)?))
        } else if let Some(after) = rest.strip_prefix("..") {
            if descent {
                return Err("invalid multiple recursive descent".to_owned());
            }
            descent = true;
            // `..name` as well as `..['name']`.
            if !after.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '*') {
                rest = after;
                continue;
            }
            let (name, after) = name(after);
            rest = after;
            selected(name)
        } else if first == '$' || first == '@' {
            // Both are the current object.
            rest = after_first(rest);
            continue;
        } else if first == '[' {
            let (inside, after) =
                closing(after_first(rest), ']').ok_or_else(|| "unterminated array".to_owned())?;
            rest = after;
            let found = brackets(inside, depth)?;
            push_all(&mut steps, found, &mut descent);
            rest = rest.trim_start();
            continue;
        } else if first == '"' || first == '\'' {
            let (inside, after) = closing(after_first(rest), first)
                .ok_or_else(|| "unterminated quoted string".to_owned())?;
            rest = after;
            Step::Literal(unquoted(inside)?.into())
        } else if first == '.' {
            let (name, after) = name(after_first(rest));
            rest = after;
            // `{.}` is the object itself.
            if name.is_empty() {
                rest = rest.trim_start();
                continue;
            }
            selected(name)
        } else {
            let (word, after) = word(rest);
            rest = after;
            literal(word, first)?
        };
        push_all(&mut steps, vec![step], &mut descent);
        rest = rest.trim_start();
    }
    if descent {
        return Err("nothing follows the recursive descent".to_owned());
    }
    Ok(Path(steps))
}

/// The first of them descends where `..` stands before it.
fn push_all(steps: &mut Vec<Step>, found: Vec<Step>, descent: &mut bool) {
    for step in found {
        let step = match step {
            Step::Select(segment) if std::mem::take(descent) => {
                Step::Select(Segment::Descendant(Box::new(segment)))
            }
            other => other,
        };
        steps.push(step);
    }
}

fn after_first(text: &str) -> &str {
    let mut rest = text.chars();
    rest.next();
    rest.as_str()
}

/// A name up to what ends it; `\` takes the next character as it is.
fn name(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut characters = text.chars();
    loop {
        let rest = characters.as_str();
        match characters.next() {
            Some('\\') => name.extend(characters.next()),
            Some(c) if !c.is_whitespace() && !ENDS.contains(&c) => name.push(c),
            _ => return (name, rest),
        }
    }
}

fn word(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| c.is_whitespace() || ("[]{}$@,\"'".contains(c)))
        .unwrap_or(text.len());
    text.split_at(end.max(text.chars().next().map_or(0, char::len_utf8)))
}

fn selected(name: String) -> Step {
    Step::Select(Segment::Selector(if name == "*" {
        Selector::Wildcard
    } else {
        Selector::Name(name)
    }))
}

fn literal(word: &str, first: char) -> Result<Step, String> {
    let number = first.is_ascii_digit() || first == '+' || first == '-';
    match word {
        "true" | "false" => Ok(Step::Literal((word == "true").into())),
        _ if number => {
            let digits = word.strip_prefix('+').unwrap_or(word);
            let integer = digits.parse::<i64>().map(Value::from).ok();
            integer
                .or_else(|| digits.parse::<f64>().ok().map(Value::from))
                .map(Step::Literal)
                .ok_or_else(|| format!("cannot parse number {word}"))
        }
        _ if first.is_alphanumeric() => Err(format!("unrecognized identifier {word}")),
        _ => Err(format!(
            "unrecognized character in action: U+{:04X} '{first}'",
            u32::from(first)
        )),
    }
}

/// What stands within brackets.
fn brackets(text: &str, depth: usize) -> Result<Vec<Step>, String> {
    let parts = unions(text);
    if parts.len() > 1 {
        let paths: Result<Vec<Path>, String> = parts
            .into_iter()
            .map(|part| path(&format!("[{}]", part.trim()), depth + 1))
            .collect();
        return Ok(vec![Step::Union(paths?)]);
    }
    let quoted = text
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''))
        .filter(|inside| !inside.contains('\''));
    if let Some(keys) = quoted {
        // `['metadata.name']` is a path as well: kubectl reads it as `.metadata.name`.
        return Ok(path(&format!(".{keys}"), depth + 1)?.0);
    }
    slice(text)
        .map(|slice| vec![Step::Slice(slice)])
        .ok_or_else(|| format!("invalid array index {text}"))
}

/// Split at commas.
fn unions(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((part, after)) = closing(rest, ',') {
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
}

fn slice(text: &str) -> Option<Slice> {
    if text == "*" {
        return slice(":");
    }
    let mut parts = text.split(':').map(|part| match part {
        "" => Some(None),
        digits => digits.parse::<i64>().ok().map(Some),
    });
    let from = parts.next()??;
    let one = !text.contains(':');
    let (to, step) = (parts.next().unwrap_or(Some(None))?, parts.next());
    if (one && from.is_none()) || parts.next().is_some() {
        return None;
    }
    Some(Slice {
        from,
        to,
        one,
        step: step.unwrap_or(Some(None))?,
    })
}

/// What stands before the `)]` that ends a filter; parentheses within it count.
fn filter_end(text: &str) -> Result<(&str, &str), String> {
    let (mut quote, mut open) = (None, 0_usize);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(mark), _) => quote = (mark != c).then_some(mark),
            (None, '"' | '\'') => quote = Some(c),
            (None, '(') => open += 1,
            (None, ')') if open > 0 => open -= 1,
            (None, ')') => {
                let (inside, rest) = text.split_at(at);
                return rest
                    .strip_prefix(")]")
                    .map(|after| (inside, after))
                    .ok_or_else(|| "unclosed array expect ]".to_owned());
            }
            _ => {}
        }
    }
    Err("unterminated filter".to_owned())
}

fn filter(text: &str, depth: usize) -> Result<Filter, String> {
    let Some(at) = text.find(['<', '>', '=', '!']).filter(|at| *at > 0) else {
        return Ok(Filter {
            left: path(text, depth + 1)?,
            comparison: None,
        });
    };
    let (left, rest) = text.split_at(at);
    let (operator, right) = OPERATORS
        .iter()
        .find_map(|(sign, operator)| Some((*operator, rest.strip_prefix(sign)?)))
        .ok_or_else(|| format!("unrecognized filter operator in {text}"))?;
    Ok(Filter {
        left: path(left, depth + 1)?,
        comparison: Some((operator, path(right, depth + 1)?)),
    })
}

fn unquoted(text: &str) -> Result<String, String> {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        plain.push(match characters.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('a') => '\u{7}',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('v') => '\u{b}',
            Some(same @ ('\\' | '"' | '\'')) => same,
            Some('x') => code(&mut characters, 2)?,
            Some('u') => code(&mut characters, 4)?,
            Some('U') => code(&mut characters, 8)?,
            _ => return Err(format!("invalid escape in \"{text}\"")),
        });
    }
    Ok(plain)
}

fn code(characters: &mut std::str::Chars<'_>, digits: usize) -> Result<char, String> {
    let digits: String = characters.take(digits).collect();
    u32::from_str_radix(&digits, 16)
        .ok()
        .and_then(char::from_u32)
        .ok_or_else(|| format!("'{digits}' is no character"))
}
