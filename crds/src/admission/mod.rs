//! What may be written, and what a write becomes.
//!
//! Both halves are pure functions of the [`Write`], the [`Policy`](crate::policy::Policy) and the
//! [`Facts`]. What they need to know of the world they ask for as [`Question`]s: the caller answers
//! and asks again, until there is a verdict. So every rule can be tested without a server, and the
//! plugin can explain beforehand what the webhook will decide.
//!
//! # Usage
//! ```text
//! let (mut facts, mut judging) = (Facts::default(), Judging::new(&write, &policy));
//! loop {
//!     match judging.go_on(&facts) {
//!         Ok(violations) => break violations,
//!         Err(Unanswered(questions)) => for q in questions { facts.learn(q, answer(q).await?) },
//!     }
//! }
//! ```

mod facts;
mod mutate;
mod resource;
mod restored;
mod rules;
mod write;

pub use facts::{Access, Answer, Facts, Question, Unanswered};
pub use mutate::{Mutation, mutate};
pub use resource::Resource;
pub use rules::{Judging, judge, judge_values};
pub use write::{Caller, Operation, Write};
