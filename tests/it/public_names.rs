//! The public names, in one list: refusal codes, event kinds, metrics, settings, commands and their
//! flags, cookies, addresses. A change here breaks scripts; it belongs into the changelog.
//! (The names in JSON are those of the OpenAPI document, which has a snapshot of its own.)

use std::{fmt::Write as _, fs, path::Path};

use clap::CommandFactory as _;
use model::{administrator::Role, event::EventKind, idp_kind::IdpKind, oauth_client::IdTokenAlg};
use ostiary::{app::login, cli::Cli, config::SETTINGS};
use strum::VariantArray;

fn section(list: &mut String, name: &str, entries: impl IntoIterator<Item = String>) {
    let mut entries: Vec<String> = entries.into_iter().collect();
    assert!(!entries.is_empty(), "{name}: nothing was found");
    entries.sort();
    entries.dedup();
    writeln!(list, "{name}").unwrap();
    for entry in entries {
        writeln!(list, "  {entry}").unwrap();
    }
}

/// The string literals of a source file that `wanted` picks, without its tests.
fn literals(file: &str, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    let code = text.split("#[cfg(test)]").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let literals: Vec<_> =
        lines.flat_map(|line| line.split('"').skip(1).step_by(2)).map(str::to_owned).collect();
    literals.into_iter().filter(|literal| wanted(literal)).collect()
}

fn commands(command: &clap::Command, path: &str, found: &mut Vec<String>) {
    let path = format!("{path} {}", command.get_name()).trim().to_owned();
    let mut arguments: Vec<String> = command
        .get_arguments()
        .map(|argument| match argument.get_long() {
            Some(long) => format!("--{long}"),
            None => argument.get_id().as_str().to_ascii_uppercase(),
        })
        .collect();
    arguments.sort();
    found.push(format!("{path}: {}", arguments.join(" ")));
    for command in command.get_subcommands() {
        commands(command, &path, found);
    }
}

#[test]
fn public_names_stay() {
    let mut list = String::new();
    section(
        &mut list,
        "refusals of a SAML response",
        saml::Error::ALL.iter().map(|rejection| rejection.code().to_owned()),
    );
    section(
        &mut list,
        "refusals of a login",
        login::Error::OWN.iter().map(|refusal| refusal.code().to_owned()),
    );
    section(
        &mut list,
        "SCIM errors",
        literals("crates/scim/src/error.rs", |text| {
            !text.is_empty() && text.chars().all(char::is_alphabetic)
        }),
    );
    section(
        &mut list,
        "OAuth errors",
        literals("crates/oauth/src/error.rs", |text| {
            !text.is_empty() && text.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
        }),
    );
    section(&mut list, "kinds of event", EventKind::VARIANTS.iter().map(|kind| kind.as_str().to_owned()));
    section(
        &mut list,
        "kinds of identity provider",
        IdpKind::VARIANTS.iter().map(|kind| kind.as_str().to_owned()),
    );
    section(&mut list, "roles", Role::VARIANTS.iter().map(|role| role.as_str().to_owned()));
    section(
        &mut list,
        "signature algorithms of ID tokens",
        IdTokenAlg::VARIANTS.iter().map(|alg| alg.as_str().to_owned()),
    );
    section(
        &mut list,
        "SCIM resource types",
        scim::ResourceType::ALL.iter().map(|kind| kind.name().to_owned()),
    );
    section(
        &mut list,
        "metrics",
        ["src/telemetry.rs", "src/telemetry/process.rs"].iter().flat_map(|file| {
            literals(file, |text| {
                text.contains('_')
                    && !text.starts_with('_')
                    && text.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
            })
        }),
    );
    section(
        &mut list,
        "settings",
        SETTINGS.iter().map(|setting| format!("{} {}", setting.key, setting.variable())),
    );
    let mut found = Vec::new();
    commands(&Cli::command(), "", &mut found);
    section(&mut list, "commands", found);
    section(
        &mut list,
        "addresses",
        [
            "src/links.rs",
            "src/links/console.rs",
            "src/links/issuers.rs",
            "src/links/path.rs",
            "src/links/path/workspaces.rs",
        ]
        .iter()
        .flat_map(|file| literals(file, |text| text.starts_with('/'))),
    );
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("public_names", list);
    });
}
