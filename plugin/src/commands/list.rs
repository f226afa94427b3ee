//! `kubectl daap list`

mod deleted;
mod field_selector;
mod pattern;
mod printer;
mod rows;
mod watch;

use clap::Args;
use daap_crds::contract::label;
use daap_crds::names::Team;
use daap_crds::state::State;
use jiff::Timestamp;

use crate::context::Context;
use crate::database::{Database, Listing, document, list, table};
use crate::failure::Failure;
use crate::kubernetes::Kubernetes;
use crate::output::{Documents, OutputFlags, stderr_line, stdout};
use field_selector::FieldSelector;
use printer::Printer;
use watch::Watch;
pub(crate) use watch::WatchFlags;

const EXAMPLES: &str = "\
Examples:
  kubectl daap list -n apps
  kubectl daap list --watch
  kubectl daap list -A --state error --owner-team payments
  kubectl daap list --name 'order*' -o wide --sort-by storage
  kubectl daap list -o custom-columns=NAME:.metadata.name,SIZE:.spec.storage
  kubectl daap list -o jsonpath='{range .items[*]}{.metadata.name}{\"\\n\"}{end}'
  kubectl daap list --deleted
  kubectl daap list --restorable";

/// Arguments of `list`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ListArgs {
    /// Show the deleted ones instead, with until when each can be restored; the last deleted comes
    /// last
    #[arg(long)]
    deleted: bool,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    watch: WatchFlags,
    #[command(flatten)]
    output: OutputFlags,
}

/// Which databases.
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(next_help_heading = "Filters")]
pub(crate) struct Filters {
    /// In all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Owned by that team
    #[arg(long, value_name = "TEAM", value_parser = team)]
    owner_team: Option<String>,
    /// In that state: provisioning, ready, error or deleting; can be repeated
    #[arg(long, value_name = "STATE", value_delimiter = ',', value_parser = state)]
    state: Vec<State>,
    /// Only deleted ones whose data is kept, and whose time is not over
    #[arg(long)]
    restorable: bool,
    /// Whose name contains the text, or matches it with * and ?
    #[arg(long, value_name = "PATTERN")]
    name: Option<String>,
    /// With these labels, as key=value
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    selector: Option<String>,
    /// With these fields, as status.state=ready,spec.poolMode!=session
    #[arg(long, value_name = "SELECTOR", value_parser = FieldSelector::parse)]
    field_selector: Option<FieldSelector>,
    /// At most so many; 0 for all
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 0,
        hide_default_value = true
    )]
    limit: usize,
    /// How many to ask the API server for at once, one page after the other; 0 for all [default:
    /// pages of 250, three at a time; all where the API server does not have pages at hand]
    #[arg(long, value_name = "NUMBER", hide_short_help = true)]
    chunk_size: Option<u32>,
    /// Go on where a list with --limit ended
    #[arg(long = "continue", value_name = "TOKEN", hide_short_help = true)]
    from: Option<String>,
}

impl Filters {
    /// Whether one was given.
    pub(crate) fn any(&self) -> bool {
        let defaults = Self {
            chunk_size: self.chunk_size,
            ..Self::default()
        };
        *self != defaults
    }

    fn can_be_watched(&self, deleted: bool) -> Result<(), Failure> {
        if deleted {
            return Err(deleted_do_not_change());
        }
        if self.limit > 0 || self.from.is_some() {
            let wrong = "--watch goes with neither --limit nor --continue";
            return Err(Failure::usage(wrong).hint(ONE_TOO_MANY));
        }
        Ok(())
    }

    /// Whether a database passes those that the API server does not know.
    fn keep(&self, database: &Database) -> bool {
        let named = self
            .name
            .as_deref()
            .is_none_or(|pattern| pattern::matches(pattern, database.name()));
        let in_state = self.state.is_empty() || self.state.contains(&database.status().state);
        let fields = self.field_selector.as_ref();
        named && in_state && fields.is_none_or(|fields| fields.selects(&document(database)))
    }
}

const ONE_TOO_MANY: &str = "leave one of the flags out";

/// Why there is nothing to follow.
pub(super) fn deleted_do_not_change() -> Failure {
    Failure::usage("deleted databases do not change: --watch is for those that live")
        .hint(ONE_TOO_MANY)
}

fn team(text: &str) -> Result<String, String> {
    Team::parse(text)
        .map(|team| team.to_string())
        .map_err(|error| error.to_string())
}

fn state(text: &str) -> Result<State, String> {
    text.parse()
}

/// Lists databases.
pub(crate) async fn run(context: &Context, args: ListArgs) -> Result<(), Failure> {
    let ListArgs {
        deleted,
        filters,
        watch,
        output,
    } = args;
    show(context, filters, deleted, watch, output).await
}

/// Lists what the filters let through.
pub(crate) async fn show(
    context: &Context,
    filters: Filters,
    deleted: bool,
    watch: WatchFlags,
    output: OutputFlags,
) -> Result<(), Failure> {
    let deleted = deleted || filters.restorable || filters.state == [State::Deleted];
    if watch.is_given() {
        filters.can_be_watched(deleted)?;
    }
    let sort_by = output.table.sort_by.as_ref();
    if sort_by.is_some() && filters.from.is_some() {
        return Err(Failure::usage(
            "--sort-by goes with no --continue: the rest of a list cannot be put among what came before",
        )
        .hint("leave --continue out: all are sorted, and the first --limit of them shown"));
    }
    if deleted && filters.from.is_some() {
        return Err(Failure::usage(
            "--continue is for databases that live: those that were deleted come in one list",
        )
        .hint("leave --continue out, and give a higher --limit"));
    }
    let k8s = context.kubernetes().await?;
    if deleted {
        return deleted::show(k8s, &filters, &output).await;
    }
    let listing = Listing {
        namespace: namespace(k8s, &filters),
        selector: selector(&filters, label::NAME),
        chunk: filters.chunk_size,
        // Which come first is known of all only.
        limit: if sort_by.is_some() { 0 } else { filters.limit },
        from: filters.from.clone(),
        watched: watch.is_given(),
    };
    if output.output.is_table() && output.table.sort_by.is_none() && !watch.is_given() {
        return rows::show(k8s, &filters, listing, &output).await;
    }
    let keep = |database: &Database| filters.keep(database);
    let (found, next) = list(k8s, listing, |one| keep(&one).then_some(one)).await?;
    let (found, rest) = match sort_by {
        Some(by) => first_of(by.sort(found, document)?, filters.limit),
        None => (found, 0),
    };
    if watch.is_given() {
        let followed = Watch {
            k8s,
            namespace: namespace(k8s, &filters),
            selector: selector(&filters, label::NAME),
            keep: &keep,
        };
        return follow(followed, found, watch, &output).await;
    }
    if found.is_empty() && output.output.is_table() {
        nothing(k8s, &filters, "databases");
        return Ok(());
    }
    let token = next.clone().filter(|_| output.output.is_table());
    let items = found.iter().map(document).collect();
    let documents = Documents::List { items, next };
    let headers = !output.table.no_headers;
    stdout(&output.output.render_or(&documents, headers, || {
        table(&found, &output, filters.all_namespaces, Timestamp::now())
    })?)?;
    if let Some(token) = token {
        there_are_more(&filters, &token);
    }
    if output.output.is_table() {
        say_what_is_left_out(rest);
    }
    Ok(())
}

fn say_what_is_left_out(rest: usize) {
    if rest > 0 {
        stderr_line(&format!(
            "there are {rest} more; see them with a higher --limit"
        ));
    }
}

/// The first of what is sorted, and how many are left out; 0 leaves out none.
fn first_of<T>(mut sorted: Vec<T>, limit: usize) -> (Vec<T>, usize) {
    let rest = match limit {
        0 => 0,
        limit => sorted.len().saturating_sub(limit),
    };
    sorted.truncate(sorted.len() - rest);
    (sorted, rest)
}

fn there_are_more(filters: &Filters, token: &str) {
    stderr_line(&format!(
        "there are more; go on with: --limit {} --continue {token}",
        filters.limit
    ));
}

/// What is there, and every change of it from then on.
async fn follow(
    followed: Watch<'_>,
    found: Vec<Database>,
    flags: WatchFlags,
    output: &OutputFlags,
) -> Result<(), Failure> {
    let everywhere = followed.namespace.is_none();
    let mut printer = Printer::new(output, everywhere, flags.output_watch_events);
    if !flags.watch_only {
        printer.begin(&found)?;
    }
    watch::run(followed, printer, found).await
}

/// Follows one database that is there.
pub(super) async fn follow_one(
    k8s: &Kubernetes,
    database: Database,
    flags: WatchFlags,
    output: &OutputFlags,
) -> Result<(), Failure> {
    let selector = format!("{}={}", label::NAME, database.name());
    let followed = Watch {
        k8s,
        namespace: Some(k8s.namespace().to_owned()),
        selector,
        keep: &|_| true,
    };
    follow(followed, vec![database], flags, output).await
}

fn namespace(k8s: &Kubernetes, filters: &Filters) -> Option<String> {
    (!filters.all_namespaces).then(|| k8s.namespace().to_owned())
}

/// What the API server can filter, it does.
fn selector(filters: &Filters, ours: &str) -> String {
    let team = filters
        .owner_team
        .as_ref()
        .map(|team| format!("{}={team}", label::OWNER_TEAM));
    let parts: Vec<String> = [Some(ours.to_owned()), team, filters.selector.clone()]
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(",")
}

fn nothing(k8s: &Kubernetes, filters: &Filters, what: &str) {
    let place = if filters.all_namespaces {
        String::new()
    } else {
        format!(" in namespace {}", k8s.namespace())
    };
    let unfiltered = filters.name.is_none()
        && filters.state.is_empty()
        && filters.owner_team.is_none()
        && !filters.restorable
        && filters.selector.is_none()
        && filters.field_selector.is_none();
    let which = if unfiltered { "" } else { " that match" };
    stderr_line(&format!("No {what}{which} found{place}."));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_takes_the_first_of_what_is_sorted() {
        assert_eq!(first_of(vec![1, 2, 3], 2), (vec![1, 2], 1));
        assert_eq!(first_of(vec![1, 2, 3], 0), (vec![1, 2, 3], 0));
        assert_eq!(first_of(vec![1], 5), (vec![1], 0));
    }

    #[test]
    fn the_api_server_filters_what_it_can() {
        let filters = Filters {
            owner_team: Some("payments".into()),
            selector: Some("tier=gold".into()),
            ..Filters::default()
        };
        assert_eq!(
            selector(&filters, label::NAME),
            "daap.dev/name,daap.dev/owner-team=payments,tier=gold"
        );
    }
}
