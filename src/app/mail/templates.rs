//! What letters say: each kind is written once, as a list of blocks, of which text and HTML are made.

use base::time::Timestamp;
use maud::{DOCTYPE, Markup, html};
use model::{
    branding::{Branding, plain_name},
    color::Color,
    environment::Environment,
    letter::LetterKind,
    membership::Tier,
    organization::Organization,
};
use serde::{Deserialize, Serialize};

/// The accent colour where nobody has set one.
const ACCENT: Color = Color::rgb(0x1f, 0x4f, 0xc4);

/// What a letter says. It may hold a code: sealed where it is stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Contents {
    /// The sender's name, where the settings have none.
    pub sender_name: String,
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same in HTML.
    pub html: String,
}

/// How many characters of a name that others than the vendor chose stand in a letter.
const MAX_NAME: usize = 64;

/// What an organization is called whose name has an address in it.
const NAMELESS: &str = "your organization";

/// A name that others than the vendor chose, as it stands in a letter: short, and nothing of it reads as a link, which programs make of a
/// host's name too. `None`: there is an address in it, so that nothing of it is shown.
fn harmless_name(name: &str) -> Option<String> {
    let name = plain_name(name);
    let is_address = |word: &str| {
        let word = word.to_lowercase();
        let parts = word.split_once('/').filter(|(host, _)| reads_as_host(host));
        word.contains("://") || word.contains("www.") || word.contains('@') || parts.is_some()
    };
    if name.split_whitespace().any(is_address) {
        return None;
    }
    let words = name.split_whitespace().map(|word| match reads_as_host(word) {
        true => word.replace(is_dot, " ").trim().to_owned(),
        false => word.to_owned(),
    });
    let name = words.collect::<Vec<_>>().join(" ");
    Some(match name.char_indices().nth(MAX_NAME) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default().trim_end()),
        None => name,
    })
}

/// Whether a word, without the punctuation around it, can be the name of a host: labels with dots between them.
fn reads_as_host(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    let word = word.split(':').next().unwrap_or_default();
    let labels: Vec<&str> = word.split(is_dot).collect();
    let is_label = |label: &&str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    // The last label of a host's name is no number, but an IPv4 address is four.
    let ends_as_one = labels.last().is_some_and(|last| last.chars().any(char::is_alphabetic));
    labels.len() > 1 && labels.iter().all(is_label) && (ends_as_one || labels.len() == 4)
}

/// The dots between labels (RFC 3490 §3.1).
fn is_dot(c: char) -> bool {
    matches!(c, '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}')
}

/// For whom a letter is written: names, colour and whom to ask.
pub(super) struct Letterhead {
    sender: String,
    application: String,
    organization: String,
    accent: Color,
    support: Option<String>,
}

/// A code in a letter.
pub(super) struct CodeInLetter {
    /// The digits.
    pub digits: String,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// What somebody is invited to.
#[derive(Debug, Clone, Copy)]
pub(super) struct InvitedTo {
    /// What they become in the organization.
    pub role: Tier,
    /// Until when the link is good.
    pub until: Timestamp,
}

/// A part of a letter.
enum Block {
    Paragraph(String),
    Button { label: &'static str, url: String },
    Code(String),
}

impl Letterhead {
    /// The letterhead of an organization, `None` for the root.
    pub(super) fn new(
        environment: &Environment,
        branding: &Branding,
        organization: Option<&Organization>,
    ) -> Self {
        let given = [branding.application_name.as_deref().unwrap_or_default(), &environment.display_name];
        let given = given.into_iter().map(plain_name).find(|name| !name.is_empty());
        let name = given.unwrap_or_else(|| environment.slug.as_str().to_owned());
        let color = organization.and_then(|organization| Color::parse(&organization.color));
        Self {
            sender: name.clone(),
            application: name,
            organization: organization
                .map(|known| harmless_name(known.shown_name()).unwrap_or_else(|| NAMELESS.to_owned()))
                .unwrap_or_default(),
            accent: color.or(branding.accent_color).unwrap_or(ACCENT),
            support: branding.support_contact.as_deref().map(plain_name).filter(|text| !text.is_empty()),
        }
    }

    /// For the application of the sign-in in the middle of which somebody asked for the letter; an empty name changes nothing. The
    /// sender stays who they are.
    pub(super) fn of(self, application: &str) -> Self {
        match harmless_name(application) {
            Some(application) if !application.is_empty() => Self { application, ..self },
            _ => self,
        }
    }

    /// What people are invited to: the organization, else the application.
    fn invites(&self) -> &str {
        match self.organization.as_str() {
            "" => &self.application,
            organization => organization,
        }
    }

    /// The application, with the organization where there is one.
    fn place(&self) -> String {
        match self.organization.as_str() {
            "" => self.application.clone(),
            organization if organization == self.application => self.application.clone(),
            organization => format!("{} at {organization}", self.application),
        }
    }
}

/// Writes a letter. `url` is where its button leads.
pub(super) fn write(
    kind: LetterKind,
    letterhead: &Letterhead,
    url: String,
    code: Option<&CodeInLetter>,
    invited: Option<InvitedTo>,
) -> Contents {
    let place = letterhead.place();
    let application = &letterhead.application;
    let (subject, before, label, after) = match kind {
        LetterKind::Activation => (
            format!("Activate your account for {application}"),
            format!(
                "There is a new account with this address: {place}. Either you have just registered, or somebody made it for you. Open the link to set your password: then it is ready."
            ),
            "Activate the account",
            "If you did not expect this, do nothing: the account is not activated without you.",
        ),
        LetterKind::ResetPassword => (
            format!("Set a new password for {application}"),
            format!(
                "Somebody asked for a new password for your account: {place}. If it was you, set it now."
            ),
            "Set a new password",
            "If it was not you, do nothing: your password stays as it is.",
        ),
        LetterKind::ResetTotp => (
            format!("Set up another authenticator app for {application}"),
            format!(
                "Somebody asked to replace the authenticator app of your account: {place}. If it was you, set up the new one now."
            ),
            "",
            "If it was not you, do nothing: your present app stays in use.",
        ),
        LetterKind::EnrollWebauthn => (
            format!("Add a passkey for {application}"),
            format!("Somebody asked to add a passkey to your account: {place}. If it was you, add it now."),
            "",
            "If it was not you, do nothing: nothing is added.",
        ),
        LetterKind::VerifyAddress => (
            format!("Confirm your e-mail address for {application}"),
            format!(
                "Somebody named this as the e-mail address of their account: {place}. If it was you, confirm it."
            ),
            "Confirm the address",
            "If it was not you, do nothing: the address is not confirmed.",
        ),
        LetterKind::AlreadyRegistered => (
            format!("You have an account for {application} already"),
            format!(
                "Somebody tried to register with this e-mail address: {place}. There is an account with it already, so nothing was made or changed. If it was you, sign in; if you forgot the password, the sign-in page helps."
            ),
            "Sign in",
            "If it was not you, do nothing: whoever it was has not learned that there is an account.",
        ),
        LetterKind::Invitation => (
            format!("You are invited to manage {application}"),
            format!(
                "You are invited to the console in which sign-in for {application} is managed. Open the link to join it: you choose \
                 there how you sign in."
            ),
            "Join the console",
            "The link is good once, for three days. Give it to nobody: whoever opens it first gets the account. If you did not \
             expect it, do nothing.",
        ),
        LetterKind::GuestInvitation => (
            format!("You are invited to {place}"),
            format!(
                "Somebody who manages it invites you: {place}. You have an account already; open the link and sign in with it to accept."
            ),
            "Look at the invitation",
            "The link is good for three days. Give it to nobody. If you did not expect it, do nothing: you join nothing without it.",
        ),
        LetterKind::OrganizationInvitation => {
            let organization = letterhead.invites();
            let role = match invited.map(|invited| invited.role) {
                Some(role) if role.administers() => "an administrator",
                _ => "a member",
            };
            let until = invited.map_or_else(String::new, |invited| {
                format!(" The link is good once, until {}.", until(invited.until))
            });
            (
                format!("You are invited to join {organization}"),
                format!(
                    "You are invited to join {organization} at {application}, as {role}. Open the link to look at the invitation: you accept it there, with the account that you have or with a new one.{until}"
                ),
                "Look at the invitation",
                "If you did not expect this, do nothing: you become a member only if you accept it.",
            )
        }
        LetterKind::PasswordChanged => notice(letterhead, "The password of your account was changed"),
        LetterKind::PasskeyAdded => notice(letterhead, "A passkey was added to your account"),
        LetterKind::PasskeyRemoved => notice(letterhead, "A passkey of your account was removed"),
        LetterKind::TotpAdded => notice(letterhead, "An authenticator app was set up for your account"),
        LetterKind::TotpRemoved => notice(letterhead, "The authenticator app of your account was removed"),
        LetterKind::RecoveryCodesMade => notice(letterhead, "New recovery codes were made for your account"),
        LetterKind::AddressAdded => notice(letterhead, "An e-mail address was added to your account"),
        LetterKind::DomainRecordLost => (
            format!("A domain has lost its DNS record: {place}"),
            format!(
                "The DNS record that proved a domain was not found three days in a row: {place}. Publish it again. People with addresses of the domain can sign in for some time yet, and not after that."
            ),
            "Look at the domain",
            "You get this letter because you administer the organization. If the domain is not yours any more, remove it there.",
        ),
        LetterKind::AddressRemoved => notice(letterhead, "An e-mail address of your account was removed"),
    };
    let mut blocks = vec![Block::Paragraph(before)];
    // Another authenticator app, and one more passkey by a code, are set up on pages of the application, which ask for the code.
    let is_code_alone = label.is_empty();
    if !is_code_alone {
        blocks.push(Block::Button { label, url });
    }
    if let Some(code) = code {
        blocks.push(Block::Paragraph("Where you are asked for a code, this is it:".to_owned()));
        blocks.push(Block::Code(code.digits.clone()));
        let until = until(code.expires_at);
        let what = if is_code_alone { "The code is" } else { "Link and code are" };
        let them = if is_code_alone { "it" } else { "them" };
        blocks.push(Block::Paragraph(format!(
            "{what} good once, until {until}. Give {them} to nobody: nobody of {application} will ask for {them}."
        )));
    }
    blocks.push(Block::Paragraph(after.to_owned()));
    if let Some(support) = &letterhead.support {
        blocks.push(Block::Paragraph(format!("Questions? {support}")));
    }
    Contents {
        sender_name: letterhead.sender.clone(),
        text: text(&blocks),
        html: document(&subject, letterhead, &blocks).into_string(),
        subject,
    }
}

/// What tells the holder of an account that it was changed: subject, text, button, and what to do if it was not them.
fn notice(letterhead: &Letterhead, changed: &str) -> (String, String, &'static str, &'static str) {
    let Letterhead { application, .. } = letterhead;
    let place = letterhead.place();
    (
        format!("{changed}: {application}"),
        format!(
            "{changed}: {place}. If it was you, there is nothing to do. You get this letter because it changes how you sign in, or how you are reached."
        ),
        "Look at your account",
        "If it was not you, set another password at once, and tell whoever manages the accounts of your organization.",
    )
}

/// A moment for people, in UTC: `2026-11-30 09:17 UTC`.
fn until(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => text,
    }
}

fn text(blocks: &[Block]) -> String {
    let parts: Vec<String> = blocks
        .iter()
        .map(|block| match block {
            Block::Paragraph(text) => text.clone(),
            Block::Button { label, url } => format!("{label}:\n{url}"),
            Block::Code(digits) => format!("    {digits}"),
        })
        .collect();
    parts.join("\n\n") + "\n"
}

fn document(subject: &str, letterhead: &Letterhead, blocks: &[Block]) -> Markup {
    let (accent, ink) = (letterhead.accent, letterhead.accent.contrasting_text());
    let button = format!(
        "display:inline-block;padding:12px 20px;border-radius:6px;background:{accent};color:{ink};\
         text-decoration:none;font-weight:600"
    );
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (subject) }
            }
            body style="margin:0;padding:24px 16px;font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif" {
                div style="max-width:560px;margin:0 auto" {
                    p style=(format!("margin:0 0 24px;padding-bottom:8px;border-bottom:3px solid {accent};font-weight:600")) {
                        (letterhead.application)
                    }
                    @for block in blocks {
                        @match block {
                            Block::Paragraph(text) => p style="margin:0 0 16px" { (text) },
                            Block::Button { label, url } => {
                                p style="margin:0 0 16px" { a href=(url) style=(button) { (label) } }
                                p style="margin:0 0 16px;font-size:13px;word-break:break-all" {
                                    "If the button does nothing, open this address: " a href=(url) { (url) }
                                }
                            }
                            Block::Code(digits) => p style="margin:0 0 16px;font:600 24px/1.5 ui-monospace,Menlo,Consolas,monospace;letter-spacing:.1em" {
                                (digits)
                            },
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use base::id::Id;
    use model::{
        environment::{IdpInitiated, OauthSubject, Slug},
        organization::Organization,
    };
    use strum::VariantArray as _;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn environment(display_name: &str) -> Environment {
        Environment {
            id: Id::from_bits(1),
            version: 1,
            slug: Slug::parse("prod").unwrap(),
            display_name: display_name.to_owned(),
            redirect_url: None,
            oauth_redirect_uris: Vec::new(),
            auth_url: None,
            idp_initiated: IdpInitiated::default(),
            oauth_subject: OauthSubject::default(),
            shared_domain_subjects: false,
            password_sessions: true,
            user_organizations: true,
            default_template_id: None,
            default_parent_id: None,
            created_at: NOW,
            updated_at: NOW,
        }
    }

    fn letterhead(application: Option<&str>, organization: &str) -> Letterhead {
        let branding = Branding {
            application_name: application.map(str::to_owned),
            support_contact: Some("help@vendor.example".to_owned()),
            ..Branding::empty(Id::from_bits(1))
        };
        let mut customer = Organization::new(Id::from_bits(2), Id::from_bits(1), NOW);
        organization.clone_into(&mut customer.display_name);
        customer.color = "#ffcc00".to_owned();
        Letterhead::new(&environment(""), &branding, Some(&customer))
    }

    fn written(kind: LetterKind) -> Contents {
        let code = CodeInLetter { digits: "287082".to_owned(), expires_at: NOW };
        let url = "https://sso.vendor.example/prod/acme/sign-in/reset?code=00.287082".to_owned();
        let invited = (kind == LetterKind::OrganizationInvitation)
            .then_some(InvitedTo { role: Tier::Admin, until: NOW });
        let head = letterhead(Some("Acme Cloud"), "Müller & Söhne");
        write(kind, &head, url, kind.purpose().map(|_| &code), invited)
    }

    #[test]
    fn letters_of_every_kind() {
        let mut all = String::new();
        for kind in LetterKind::VARIANTS {
            let Contents { sender_name, subject, text, .. } = written(*kind);
            all += &format!("=== {}\nFrom: {sender_name}\nSubject: {subject}\n\n{text}\n", kind.as_str());
        }
        insta::assert_snapshot!(all);
        insta::assert_snapshot!("html", written(LetterKind::ResetPassword).html);
    }

    #[test]
    fn no_name_reads_as_a_link() {
        for (name, shown) in [
            ("Müller & Söhne", Some("Müller & Söhne")),
            ("Acme Inc.", Some("Acme Inc.")),
            ("St. Gallen 2.0 Ltd", Some("St. Gallen 2.0 Ltd")),
            ("10.0.0.1", Some("10 0 0 1")),
            ("Booking.com", Some("Booking com")),
            ("win evil\u{3002}example now", Some("win evil example now")),
            ("(evil.example)", Some("(evil example)")),
            ("evil.example:8080", Some("evil example:8080")),
            ("see https://evil.example/x", None),
            ("HTTP://evil", None),
            ("www.evil", None),
            ("evil.example/login", None),
            ("ask eve@evil.example", None),
            ("A/B Testing", Some("A/B Testing")),
        ] {
            assert_eq!(harmless_name(name).as_deref(), shown, "{name}");
        }
        assert_eq!(harmless_name(&"x".repeat(500)).unwrap().chars().count(), MAX_NAME + 1);
        for kind in LetterKind::VARIANTS {
            let head = letterhead(Some("Acme Cloud"), "Your account is locked: https://evil.example/unlock");
            let contents = write(*kind, &head, "https://sso.vendor.example/x".to_owned(), None, None);
            for text in [&contents.subject, &contents.text, &contents.html, &contents.sender_name] {
                assert!(!text.contains("evil"), "{text}");
            }
        }
    }

    #[test]
    fn names_do_no_harm() {
        let hostile = "Acme\r\nBcc: eve@evil.example <script>alert(1)</script>";
        for head in [letterhead(Some(hostile), "x"), letterhead(Some("x"), hostile)] {
            let contents =
                write(LetterKind::AlreadyRegistered, &head, "https://x.example".to_owned(), None, None);
            for line in [&contents.subject, &contents.sender_name] {
                assert!(!line.chars().any(char::is_control), "{line:?}");
            }
            assert!(!contents.html.contains("<script"), "{}", contents.html);
        }
        let branding = Branding::empty(Id::from_bits(1));
        let named = letterhead(Some("Acme Cloud"), "x").of("Portal\r\nBcc: eve");
        let contents = write(LetterKind::ResetPassword, &named, "https://x.example".to_owned(), None, None);
        assert_eq!(contents.subject, "Set a new password for Portal Bcc: eve");
        assert_eq!(contents.sender_name, "Acme Cloud", "whoever sends it stays the same");
        let hostile = letterhead(Some("Acme Cloud"), "x").of("Portal\r\nBcc: eve@evil.example");
        assert_eq!(hostile.place(), "Acme Cloud at x", "an address is no name");
        assert_eq!(letterhead(Some("Acme Cloud"), "x").of(" \u{7} ").place(), "Acme Cloud at x");
        assert_eq!(
            Letterhead::new(&environment("\u{1}"), &branding, None).place(),
            "prod",
            "never without a name"
        );
    }
}
