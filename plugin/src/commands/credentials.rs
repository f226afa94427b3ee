//! `kubectl daap credentials`

mod manifest;
mod rotate;

use std::ffi::OsString;

use clap::{Args, Subcommand};

use crate::context::Context;
use crate::database::{Access, Name};
use crate::failure::Failure;
use crate::login::{AuthorityFlags, Login, Shape, authority};
use crate::output::{self, Documents, FormatsOr, OutputFormat, stdout};
use manifest::{Binding, Workload};

const EXAMPLES: &str = "\
Examples:
  kubectl daap credentials orders -n apps
  kubectl daap credentials orders -o uri --show-password
  eval \"$(kubectl daap credentials orders -o env --show-password)\"
  kubectl daap credentials orders -o dotenv --show-password > .env
  kubectl daap credentials orders -o pgpass >> ~/.pgpass
  kubectl daap credentials orders -o ca > ca.crt
  kubectl daap credentials orders -o jsonpath='{.host}:{.port}'
  kubectl daap credentials orders -o manifest --for deployment/shop
  kubectl daap credentials rotate orders";

/// Arguments of `credentials`.
#[derive(Args, Debug)]
#[command(
    after_help = EXAMPLES,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true,
    subcommand_value_name = "COMMAND",
    subcommand_help_heading = "Commands"
)]
pub(crate) struct CredentialsArgs {
    #[command(subcommand)]
    change: Option<Change>,
    /// Name of the database
    #[arg(value_name = "NAME", required = true)]
    name: Option<OsString>,
    /// Show the password as well
    #[arg(long)]
    show_password: bool,
    /// How to print
    #[arg(
        short = 'o',
        long,
        value_name = "FORMAT",
        default_value = "table",
        hide_default_value = true,
        value_parser = FormatsOr::<Shape>::without(&["wide", "json", "yaml", "name", "custom-columns", "custom-columns-file"])
    )]
    output: output::Shape<Shape>,
    #[command(flatten)]
    authority: AuthorityFlags,
    /// The workload that a manifest is for: deployment, statefulset, daemonset or cronjob
    #[arg(long = "for", value_name = "KIND/NAME", value_parser = Workload::parse)]
    workload: Option<Workload>,
    /// Its container, for a manifest [default: the workload's name]
    #[arg(long, value_name = "NAME", requires = "workload")]
    container: Option<String>,
}

/// What is done with credentials beside showing them.
#[derive(Subcommand, Debug)]
enum Change {
    /// Change the password, in PostgreSQL and in the Secret, and prove that it works
    Rotate(rotate::RotateArgs),
}

impl CredentialsArgs {
    /// A name that stands before `rotate`, whose own it should be.
    pub(crate) fn misplaced_name(&self) -> Option<Failure> {
        let name = self.change.as_ref().and(self.name.as_ref())?;
        let name = name.to_string_lossy();
        Some(
            Failure::usage(format!("'{name}' stands before rotate"))
                .hint("write it as: kubectl daap credentials rotate NAME"),
        )
    }
}

/// Shows how to connect, or changes the password.
pub(crate) async fn run(context: &Context, args: CredentialsArgs) -> Result<(), Failure> {
    if let Some(failure) = args.misplaced_name() {
        return Err(failure);
    }
    let CredentialsArgs {
        change,
        name,
        show_password,
        output,
        authority: flags,
        workload,
        container,
    } = args;
    match (change, name) {
        (Some(Change::Rotate(args)), _) => rotate::run(context, args).await,
        (None, _) if workload.is_some() && output != output::Shape::Own(Shape::Manifest) => {
            Err(Failure::usage("--for needs -o manifest"))
        }
        (None, Some(name)) => {
            let name = Name::parse(&name)?;
            let access = Access::of(context.kubernetes().await?, &name).await?;
            stdout(&match output {
                output::Shape::Own(Shape::Ca) => access.certificate_authority().await?,
                output::Shape::Own(Shape::Manifest) => {
                    Binding::new(&name, &access, workload, container).text()?
                }
                output::Shape::Own(shape) => {
                    let mut login = access.login(show_password || shape.is_secret()).await?;
                    if shape != Shape::Password {
                        login.authority = authority(&access, &flags).await?;
                    }
                    login.text(shape)?
                }
                output::Shape::General(format) => {
                    let mut login = access.login(show_password).await?;
                    login.authority = authority(&access, &flags).await?;
                    templated(&login, &format)?
                }
            })
        }
        // clap has asked for it.
        (None, None) => Err(Failure::usage("the name of a database is missing")),
    }
}

/// In the place of a password that is not to be shown: a template that asks for it would print
/// nothing, and whoever reads that would log in without one.
const HIDDEN: &str = "password-that-is-not-shown";

fn templated(login: &Login, format: &OutputFormat) -> Result<String, Failure> {
    let mut document = login.document();
    if let Some(fields) = document.as_object_mut() {
        fields.entry("password").or_insert_with(|| HIDDEN.into());
    }
    let text = format.render_or(&Documents::One(document), true, String::new)?;
    if text.contains(HIDDEN) {
        return Err(
            Failure::usage("-o asks for the password, and it is not shown")
                .hint("add --show-password, or ask for single fields, as {.host}"),
        );
    }
    Ok(text)
}
