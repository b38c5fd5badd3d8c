//! `ostiary completions`.

use clap::Args;
use clap_complete::Shell;

use super::output;

/// Print completions for your shell
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary completions bash > /etc/bash_completion.d/ostiary
  ostiary completions zsh > ~/.zfunc/_ostiary
  ostiary completions fish > ~/.config/fish/completions/ostiary.fish")]
pub(super) struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, definitions: &mut clap::Command) -> anyhow::Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, definitions, "ostiary", &mut script);
        output::raw(&script);
        Ok(())
    }
}
