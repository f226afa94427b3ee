//! One database after the other: `purge --expired`, `repair --all`.

use crate::failure::{Class, Complaint, Failure};
use crate::interrupt::or_interrupted;
use crate::output::stderr;

/// Does it with each, known by its name. A failure of one keeps none of the others from it; Ctrl-C
/// does. `not_done` is a verb's past, as in `not purged`.
///
/// # Errors
/// Who failed, each told already; Ctrl-C, with whose turn did not come.
pub(super) async fn each<T>(
    all: Vec<(String, T)>,
    not_done: &str,
    work: impl AsyncFn(T) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut failed = Vec::new();
    let mut all = all.into_iter();
    while let Some((name, one)) = all.next() {
        match or_interrupted(work(one)).await {
            Ok(()) => {}
            Err(failure) if failure.is_interruption() => {
                let rest = all.map(|(name, _)| name).collect();
                let told = [(not_done, failed), ("not looked at any more", rest)];
                return Err(failure.context(name).and(complaints(told)));
            }
            Err(failure) if failure.classification() == Class::BrokenPipe => return Err(failure),
            Err(failure) => {
                stderr(&failure.render());
                failed.push(name);
            }
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("{not_done}: {}", failed.join(", "))))
}

fn complaints(told: [(&str, Vec<String>); 2]) -> Vec<Complaint> {
    told.into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(what, names)| Complaint::new(what, names.join(", ")))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::interrupt;

    fn all() -> Vec<(String, &'static str)> {
        let names = ["a", "b", "c", "d"];
        names.map(|name| (format!("apps/{name}"), name)).into()
    }

    #[tokio::test]
    async fn a_failure_keeps_none_of_the_others_from_it() {
        let failure = each(all(), "not purged", async |name| match name {
            "b" | "d" => Err(Failure::new("no")),
            _ => Ok(()),
        });
        let failure = failure.await.unwrap_err();
        assert_eq!(failure.to_string(), "not purged: apps/b, apps/d");
        assert!(!failure.is_interruption());
    }

    #[tokio::test]
    async fn ctrl_c_does_and_says_whose_turn_did_not_come() {
        let begun = RefCell::new(Vec::new());
        let failure = each(all(), "not purged", async |name| {
            begun.borrow_mut().push(name);
            if name == "a" {
                return Err(Failure::new("no"));
            }
            interrupt::press();
            std::future::pending().await
        });
        let failure = failure.await.unwrap_err();
        assert_eq!(*begun.borrow(), ["a", "b"]);
        assert!(failure.is_interruption());
        insta::assert_snapshot!(failure.render(), @r"
        error: apps/b: interrupted
          not purged: apps/a
          not looked at any more: apps/c, apps/d
        ");
    }
}
