//! Names that match: as a whole where the pattern has `*` or `?`, anywhere else.

/// Whether `name` matches: as a whole where the pattern has `*` or `?`, anywhere else.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return name.contains(pattern);
    }
    glob(pattern.as_bytes(), name.as_bytes())
}

fn glob(pattern: &[u8], name: &[u8]) -> bool {
    // The last `*` and the place in the name that it was tried at: no recursion, so that no
    // pattern takes exponential time.
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = name.get(seen) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(wanted) if wanted == byte || *wanted == b'?' => {
                at += 1;
                seen += 1;
            }
            _ => match star {
                Some((place, tried)) => {
                    star = Some((place, tried + 1));
                    (at, seen) = (place + 1, tried + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("order", "orders", true)]
    #[case("rde", "orders", true)]
    #[case("order*", "orders", true)]
    #[case("order*", "my-orders", false)]
    #[case("*-orders", "my-orders", true)]
    #[case("o?ders", "orders", true)]
    #[case("o?ders", "oders", false)]
    #[case("*", "anything", true)]
    #[case("a*b*c", "aXbXbc", true)]
    #[case("a*b*c", "aXbXb", false)]
    fn patterns(#[case] pattern: &str, #[case] name: &str, #[case] matching: bool) {
        assert_eq!(matches(pattern, name), matching);
    }

    #[test]
    fn a_hostile_pattern_takes_no_time() {
        assert!(!matches(&"*a".repeat(30), &"b".repeat(63)));
    }
}
