//! Every page with realistic data, long and short: what each says is compared with its snapshot.
//!
//! To view them, set `OSTIARY_PAGE_SAMPLES` to a directory when running `cargo test samples`; the
//! pages and what they load are written there, ready for any static file server.

use std::{fs, path::PathBuf, time::Duration};

use base::time::Timestamp;
use maud::{Markup, html};
use saml::check::{Check, Fixer};

use super::{
    home::Home,
    kit::{
        assets,
        components::{
            ButtonStyle, Column, Icon, InputField, Step, button, code_block, copyable, error_summary,
            link_button, notice, table, timeline,
        },
        layout::{self, Layout},
        message::{self, Message},
    },
    login::{
        auto_post::{AutoPost, AutoPostPurpose},
        error_page::LoginErrorPage,
        organization_chooser::{OrganizationChoice, OrganizationChooser},
    },
};
use crate::links;

/// Compares what a page itself says (title, scripts, marked navigation entry, `<main>`) with its snapshot,
/// and writes the whole page where it can be looked at when that is asked for. What stands around every
/// page is compared once a shell, by [`document`].
pub(crate) fn page(name: &str, markup: Markup) {
    let document = stable(name, markup);
    compare(name, &own_part(&document).unwrap_or(document));
}

/// Compares a whole document with its snapshot: one sample of each shell.
pub(crate) fn document(name: &str, markup: Markup) {
    compare(name, &stable(name, markup));
}

/// The document, a tag a line and without the versions of its assets; written to a file when that is asked
/// for.
fn stable(name: &str, markup: Markup) -> String {
    let html = markup.into_string();
    if let Some(directory) = std::env::var_os("OSTIARY_PAGE_SAMPLES").map(PathBuf::from) {
        fs::create_dir_all(directory.join("assets")).unwrap();
        fs::write(directory.join(format!("{name}.html")), &html).unwrap();
        for asset in assets::ALL {
            let (file, bytes) = asset.file();
            fs::write(directory.join("assets").join(file), bytes).unwrap();
        }
    }
    assets::ALL.iter().fold(html.replace("><", ">\n<"), |html, asset| {
        html.replace(&asset.href(), &links::asset(asset.file().0, "VERSION"))
    })
}

/// What of a document is the page's own. `None` for what has no `<main>`.
fn own_part(document: &str) -> Option<String> {
    let (before, rest) = document.split_once("<main")?;
    let (main, _) = rest.split_once("</main>")?;
    let own = ["<title>", "<script src", "http-equiv", "aria-current=\"page\""];
    let own = before.lines().filter(|line| own.iter().any(|text| line.contains(text)));
    Some(format!("{}\n<main{main}</main>", own.collect::<Vec<_>>().join("\n")))
}

fn compare(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("snapshots");
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn a_snapshot_holds_what_is_the_pages_own() {
    let text = own_part(
        "<head>\n<title>A</title>\n<meta>\n</head>\n<nav>\n<a aria-current=\"page\">A</a>\n</nav>\n<main id=\"content\">\n<p>1</p>\n</main>\n<footer>",
    );
    assert_eq!(
        text.unwrap(),
        "<title>A</title>\n<a aria-current=\"page\">A</a>\n<main id=\"content\">\n<p>1</p>\n</main>"
    );
}

#[test]
fn shell_sample() {
    document(
        "shell-page",
        Layout::wide("Title", &[("Demo", "/demo")])
            .banner(Some(BANNER))
            .scripts(&[&assets::COPY])
            .render(html! { p { "Content" } }),
    );
}

const BANNER: &str = layout::TEST_SETUP_BANNER;
const FLOW: &str = "saml_flow_12vqjrnxk9xeov6o4f05pan0g";

#[test]
fn auto_post_samples() {
    page(
        "auto-post-sign-in",
        AutoPost {
            action: "https://login.acme.example/app/sso/saml?a=1&b=2",
            fields: &[("SAMLRequest", "PHNhbWxwOkF1dGhuUmVxdWVzdC8+"), ("RelayState", "r-\"<1>")],
            purpose: AutoPostPurpose::SignIn { organization: Some("Acme") },
            banner: None,
        }
        .view(),
    );
    page(
        "auto-post-finish",
        AutoPost {
            action: "https://sso.example.com/v1/saml/saml_conn_12vqjrnxk9xeov6o4f05pan0g/acs",
            fields: &[("SAMLResponse", "PHNhbWxwOlJlc3BvbnNlLz4="), ("bounced", "1")],
            purpose: AutoPostPurpose::Finish,
            banner: Some(BANNER),
        }
        .view(),
    );
    page(
        "auto-post-respond",
        AutoPost {
            action: "https://a.example/",
            fields: &[],
            purpose: AutoPostPurpose::Respond,
            banner: Some(BANNER),
        }
        .view(),
    );
}

#[test]
fn chooser_samples() {
    const ACTION: &str = "/v1/oauth/authorize";
    const FIELDS: &[(&str, &str)] = &[("client_id", "saml_oauth_client_x"), ("state", "a \"b\" & <c>")];
    let value = "org_x";
    page(
        "chooser-short",
        OrganizationChooser {
            application: None,
            choices: &[
                OrganizationChoice { name: "Acme", value },
                OrganizationChoice { name: "Globex", value },
            ],
            action: ACTION,
            fields: FIELDS,
            field: "organization_id",
            banner: None,
        }
        .view(),
    );
    page(
        "chooser-long",
        OrganizationChooser {
            application: Some("Ledgerline Accounting, production environment for Europe"),
            choices: &[
                OrganizationChoice {
                    name: "Rheinisch-Westfälische Elektrizitätsversorgungsgesellschaft mbH & Co. KG",
                    value,
                },
                OrganizationChoice { name: "Acme <Holding>", value },
                OrganizationChoice {
                    name: "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch_Council",
                    value,
                },
                OrganizationChoice { name: "株式会社サンプル", value },
            ],
            action: ACTION,
            fields: FIELDS,
            field: "organization_id",
            banner: Some(BANNER),
        }
        .view(),
    );
}

#[test]
fn message_samples() {
    page("message-not-found", Message::not_found().view());
    page(
        "message-bad-request",
        Message::bad_request("The address carries no login that we began: its state is missing.")
            .reference(FLOW)
            .view(),
    );
    page("message-too-large", Message::too_large().view());
    page("message-internal", Message::internal().reference("0195f0c2-6a53-7c1e-9d3a-4f2b8a1c7e90").view());
    page("message-no-redirect-url", Message::no_redirect_url().reference(FLOW).view());
    page(
        "message-onward",
        Message {
            next_link: Some(("Back to the app", "https://app.example/login")),
            banner: Some(BANNER),
            ..Message::new("Nothing to do", "You are signed in already.", "Go on in the app.")
        }
        .view(),
    );
    page(
        "message-too-many-requests",
        message::too_many_requests(Duration::from_millis(100), Some("0123abc")),
    );
}

#[test]
fn home_samples() {
    page("home", Home { demo: false, test_idp: false, banner: None }.view());
    page("home-demo", Home { demo: true, test_idp: true, banner: Some(BANNER) }.view());
}

fn failed(name: &'static str, expected: &str, found: &str, remedy: &'static str) -> Check {
    Check {
        name: name.into(),
        passed: false,
        expected: Some(expected.into()),
        found: Some(found.into()),
        clause: "SAML 2.0 Core §2.5.1.4".into(),
        fixer: Fixer::IdentityProvider,
        remedy: remedy.into(),
        certificate_sha256: None,
    }
}

#[test]
fn component_samples() {
    let now = Timestamp::from_seconds(1_800_000_000);
    let ago = |seconds| now - Duration::from_secs(seconds);
    let good =
        |name: &'static str| Check { passed: true, expected: None, found: None, ..failed(name, "", "", "") };
    let checks = [
        good("signature_missing"),
        good("assertion_issuer"),
        failed(
            "assertion_audience",
            "https://sso.example.com/v1/saml/saml_conn_12vqjrnxk9xeov6o4f05pan0g",
            "https://other.example",
            "Set the audience (SP entity ID) of the application to the connection's.",
        ),
    ];
    let steps = [
        Step {
            outcome: Icon::Step,
            title: "The app asked for a login",
            at: ago(7300),
            checks: &[],
            detail: None,
        },
        Step {
            outcome: Icon::Bad,
            title: "A response was refused",
            at: ago(95),
            checks: &checks,
            detail: None,
        },
        Step {
            outcome: Icon::Good,
            title: "A response was accepted",
            at: ago(3),
            checks: &checks[..1],
            detail: None,
        },
    ];
    let columns = [
        Column { name: "Who", number: false },
        Column { name: "Logins", number: true },
        Column { name: "Id", number: false },
    ];
    let row = |who: &str, logins: &str| vec![html! { (who) }, html! { (logins) }, copyable(FLOW, "id")];
    let field = InputField {
        error: Some("Write a whole address."),
        value: "dana",
        ..InputField::new("email", "E-mail", "email")
    };
    let layout = Layout::wide("Components", &[("One", "/"), ("Two", "/")]);
    page(
        "components",
        layout.scripts(&[&assets::COPY]).render(html! {
            h1 { "Components" }
            (error_summary(&[&field]))
            section.card { h2 { "Timeline" } (timeline(&steps, now)) }
            (table("People", &columns, &[row("dana@acme.example", "1,204"), row("li", "3")]))
            (notice(Icon::Good, "Good", html! { p { "It worked." } }))
            (notice(Icon::Attention, "Attention", html! { p { "Look at " a href="/" { "this" } "." } }))
            (notice(Icon::Bad, "Bad", html! { p { "It did not work." } }))
            (notice(Icon::Note, "Note", html! { p { "By the way." } }))
            section.card { form.form {
                (field)
                (InputField { required: false, hint: Some("Whatever you like."), ..InputField::new("name", "Name", "text") })
                div.actions {
                    (button(ButtonStyle::Primary, "Save"))
                    (link_button(ButtonStyle::Plain, "Cancel", "/"))
                    (button(ButtonStyle::Danger, "Delete connection"))
                }
            } }
            (code_block("Certificate", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"))
        }),
    );
}

#[test]
fn refused_samples() {
    let plain = LoginErrorPage {
        code: "request_expired",
        reference: FLOW,
        check: None,
        signature_verified: false,
        application: None,
        organization: None,
        back: None,
        banner: None,
    };
    page("refused-plain", plain.view());

    let check = failed(
        "email_outside_organization_domains",
        "acme.com, acme.co.uk",
        "dana@gmail.com",
        "Send the work address as the NameID.",
    );
    page(
        "refused-domain",
        LoginErrorPage {
            code: "email_outside_organization_domains",
            check: Some(&check),
            signature_verified: true,
            application: Some("Ledgerline"),
            organization: Some("Acme"),
            back: Some("https://app.example/callback?error=access_denied&state=a%26b"),
            banner: Some(BANNER),
            ..plain
        }
        .view(),
    );

    let check = failed(
        "signature_missing",
        "a signature",
        "none",
        "Switch on signing of the response or of the assertion.",
    );
    page(
        "refused-unverified",
        LoginErrorPage { code: "signature_missing", check: Some(&check), ..plain }.view(),
    );

    let check = failed(
        "assertion_audience",
        "https://sso.example.com/v1/saml/saml_conn_12vqjrnxk9xeov6o4f05pan0g",
        "https://api.very-long-host-name-of-another-service.example.com/saml/metadata/4f05pan0g12vqjrnxk9xeov6o",
        "Set the audience (SP entity ID) of the application to the connection's.",
    );
    page(
        "refused-long",
        LoginErrorPage {
            code: "assertion_audience",
            check: Some(&check),
            signature_verified: true,
            application: Some("Rheinisch-Westfälische Buchhaltungssoftware für den Mittelstand"),
            back: Some("https://app.example/"),
            ..plain
        }
        .view(),
    );
}
