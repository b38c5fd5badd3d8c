//! `ostiary man`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::output;

/// Print the man page, or write one for every command
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary man | man -l -
  ostiary man --directory /usr/local/share/man/man1
      ostiary.1, ostiary-serve.1, …")]
pub(super) struct Man {
    /// Write a page for every command into this directory
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(self, definitions: clap::Command) -> anyhow::Result<()> {
        if let Some(directory) = self.directory {
            return clap_mangen::generate_to(definitions, &directory)
                .with_context(|| format!("cannot write to {}", directory.display()));
        }
        let mut page = Vec::new();
        clap_mangen::Man::new(definitions).render(&mut page)?;
        output::raw(&page);
        Ok(())
    }
}
