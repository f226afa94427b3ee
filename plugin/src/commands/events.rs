//! `kubectl daap events`

mod watch;

use std::ffi::OsString;

use clap::{Args, ValueEnum};
use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use jiff::Timestamp;

use crate::context::Context;
use crate::database::Name;
use crate::database::events::{self, Which, table};
use crate::failure::{Class, Failure};
use crate::kubernetes::{Kind, Kubernetes};
use crate::output::{Documents, OutputFormat, stderr_line, stdout};

const EXAMPLES: &str = "\
Examples:
  kubectl daap events orders -n apps
  kubectl daap events orders --watch
  kubectl daap events --types Warning -n apps";

/// Arguments of `events`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EventsArgs {
    /// Name of the database; it may be deleted. Of all of the namespace where none is given
    #[arg(value_name = "NAME")]
    database: Option<OsString>,
    /// Go on, and show what happens from now on
    #[arg(short = 'w', long)]
    watch: bool,
    /// Only of these types: Normal, Warning
    #[arg(
        long,
        value_enum,
        value_name = "TYPE",
        value_delimiter = ',',
        ignore_case = true,
        hide_possible_values = true
    )]
    types: Vec<Type>,
    /// How to print: wide, json, yaml, name, jsonpath=…, custom-columns=… or go-template=…
    #[arg(
        short = 'o',
        long,
        value_name = "FORMAT",
        default_value = "table",
        hide_default_value = true,
        hide_possible_values = true
    )]
    output: OutputFormat,
    /// Leave out the line of column names
    #[arg(long)]
    no_headers: bool,
}

/// Types of events, in Kubernetes' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Type {
    /// As it should be.
    #[value(name = "Normal")]
    Normal,
    /// Not as it should be.
    #[value(name = "Warning")]
    Warning,
}

impl Type {
    fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// Which events, and how they are printed.
#[derive(Clone, Debug)]
struct Wish {
    name: Option<DatabaseName>,
    types: Vec<Type>,
    output: OutputFormat,
    headers: bool,
}

impl Wish {
    fn wants(&self, event: View<'_>) -> bool {
        self.types.is_empty()
            || self
                .types
                .iter()
                .any(|wanted| event.text("/type") == Some(wanted.as_str()))
    }

    fn which(&self) -> Which {
        if self.types == [Type::Warning] {
            Which::Warnings
        } else {
            Which::All
        }
    }
}

/// Shows the events of a database's objects.
pub(crate) async fn run(context: &Context, args: EventsArgs) -> Result<(), Failure> {
    let EventsArgs {
        database,
        watch,
        types,
        output,
        no_headers,
    } = args;
    let name = database.as_deref().map(Name::parse).transpose()?;
    let k8s = context.kubernetes().await?;
    let wish = Wish {
        name,
        types,
        output,
        headers: !no_headers,
    };
    let mut found = events::read(k8s, wish.name.as_ref(), wish.which()).await?;
    found.retain(|event| wish.wants(View(event)));
    if watch {
        return watch::run(k8s, &wish, &found).await;
    }
    if found.is_empty() && wish.output.is_table() {
        return nothing(k8s, &wish).await;
    }
    let wide = wish.output.is_wide();
    let documents = Documents::list(found);
    stdout(&wish.output.render_or(&documents, wish.headers, || {
        table(documents.items(), wide, wish.headers, Timestamp::now())
    })?)
}

/// Nothing happened within the hour for which Kubernetes keeps events; or the name is wrong.
async fn nothing(k8s: &Kubernetes, wish: &Wish) -> Result<(), Failure> {
    let of = match &wish.name {
        None => String::new(),
        Some(name) => {
            if !is_known(k8s, name).await? {
                return Err(super::get::missing(k8s, name).await);
            }
            format!(" of database/{name}")
        }
    };
    stderr_line(&format!(
        "No events{of} found in namespace {}: Kubernetes keeps them for an hour.",
        k8s.namespace()
    ));
    Ok(())
}

/// Whether something of the database is there. Who may not look is not told that it is not.
async fn is_known(k8s: &Kubernetes, name: &DatabaseName) -> Result<bool, Failure> {
    for (kind, object) in [
        (Kind::Cluster, name.cluster()),
        (Kind::Pooler, name.pooler()),
    ] {
        match k8s.get(kind, &object).await {
            Ok(None) => {}
            Ok(Some(_)) => return Ok(true),
            Err(failure) if failure.classification() == Class::Forbidden => return Ok(true),
            Err(failure) => return Err(failure),
        }
    }
    Ok(false)
}
