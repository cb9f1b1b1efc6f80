//! Parsing a command line so that every wrong setting is reported, not only the first.

use std::ffi::OsString;

use clap::builder::StringValueParser;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Command, CommandFactory, FromArgMatches};

use super::{ConfigError, ConfigErrors};

/// Why a command line cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    #[error(transparent)]
    Settings(#[from] ConfigErrors),
    /// Anything else, `--help` and `--version` included.
    #[error(transparent)]
    CommandLine(#[from] clap::Error),
}

/// Parses flags and environment variables. An empty variable counts as unset.
pub fn parse_command_line<P: CommandFactory + FromArgMatches>(args: impl IntoIterator<Item = OsString>) -> Result<P, ParseError> {
    let is_empty = |name: &str| std::env::var(name).is_ok_and(|value| value.trim().is_empty());
    parse_ignoring(args, is_empty)
}

/// Parses without the environment variables that `is_ignored` names.
pub(super) fn parse_ignoring<P: CommandFactory + FromArgMatches>(
    args: impl IntoIterator<Item = OsString>,
    is_ignored: impl Fn(&str) -> bool,
) -> Result<P, ParseError> {
    let declared = P::command();
    let args: Vec<OsString> = args.into_iter().collect();
    let mut command = map_arguments(declared.clone(), &|arg: Arg| match arg.get_env().and_then(|name| name.to_str()) {
        Some(name) if is_ignored(name) => arg.env(None::<&str>),
        _ => arg,
    });
    let mut errors = ConfigErrors::default();
    loop {
        let error = match command.clone().try_get_matches_from(&args) {
            Ok(mut matches) if errors.is_empty() => return Ok(P::from_arg_matches_mut(&mut matches)?),
            Ok(_) => return Err(errors.into()),
            Err(error) => error,
        };
        let Some((id, error)) = config_error(&declared, &error) else {
            return Err(if errors.is_empty() {
                without_environment_in_usage(declared, &args, error).into()
            } else {
                errors.into()
            });
        };
        errors.push(error);
        // Accept this value, to find further errors.
        command = map_arguments(command, &|arg: Arg| {
            if *arg.get_id() == id {
                arg.value_parser(StringValueParser::new())
            } else {
                arg
            }
        });
    }
}

/// The same error, without arguments that are set in the environment: clap's usage line shows them as if they were required
/// on the command line.
fn without_environment_in_usage(declared: Command, args: &[OsString], error: clap::Error) -> clap::Error {
    if !error.use_stderr() {
        return error;
    }
    let command = map_arguments(declared, &|arg: Arg| arg.env(None::<&str>));
    let other = command.try_get_matches_from(args).err();
    other.filter(|other| other.kind() == error.kind()).unwrap_or(error)
}

fn map_arguments(command: Command, change: &impl Fn(Arg) -> Arg) -> Command {
    command
        .mut_args(change)
        .mut_subcommands(|subcommand| map_arguments(subcommand, change))
}

/// The ID of the setting whose value a [`super::value::SettingParser`] rejected, and the error.
fn config_error(declared: &Command, error: &clap::Error) -> Option<(String, ConfigError)> {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let (id, problem) = (context(ContextKind::InvalidArg)?, context(ContextKind::Custom)?);
    let variable = variable(declared, &id)?;
    Some((id, ConfigError { variable, problem }))
}

fn variable(command: &Command, id: &str) -> Option<String> {
    let arg = command.get_arguments().find(|arg| arg.get_id() == id);
    arg.and_then(|arg| Some(arg.get_env()?.to_string_lossy().into_owned()))
        .or_else(|| command.get_subcommands().find_map(|subcommand| variable(subcommand, id)))
}
