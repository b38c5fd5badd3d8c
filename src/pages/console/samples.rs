//! The console's pages with realistic data, long and short: each is compared with its snapshot.

use maud::{Markup, html};

use super::{
    flash::{Deed, Flash, Thing},
    shell::{Frame, Named, Section, Shell},
};
use crate::{
    model::id::Id,
    pages::{
        components::{Weight, copyable, link_button},
        confirm::Deletion,
        forms::{Choice, Form, FormErrors, FormView, Typed},
        list::{List, Place, column, number},
        samples::page,
    },
};

/// Somebody at work in an environment, with two more to switch to.
pub(super) fn frame() -> Frame {
    let named = |bits, name: &str| Named { id: Id::from_bits(bits), name: name.to_owned() };
    Frame {
        email: "dana@ledgerline.example".into(),
        csrf: html! { input type="hidden" name="csrf" value="TOKEN"; },
        environment: Some((named(1, "Production"), "owner")),
        others: vec![
            named(1, "Production"),
            named(2, "Staging"),
            named(3, "Ledgerline Accounting, environment for customers in Europe <EU>"),
        ],
        flash: None,
        banner: None,
    }
}

fn components(typed: &Typed, errors: &FormErrors) -> Markup {
    let view = FormView::new(typed, errors);
    let fields = html! {
        (view.text("displayName", "Name").hint("What your own people call this customer."))
        (view.text("externalId", "External ID").hint("Your own id for it. Unique in the environment.").optional().code())
        (view.textarea("domains", "Domains", 4).hint("One a line.").optional())
        (view.select("idTokenAlg", "Signature of ID tokens", &[("RS256", "RS256 (RSA)"), ("ES256", "ES256 (ECDSA)")]))
        (view.radios("idpInitiated", "Logins that begin in the customer’s portal", &[
            Choice::new("RESTART", "Begin them again here", "Safe, and the tile in the portal works."),
            Choice::new("ALLOW", "Let them in", "For identity providers that can do nothing else."),
        ]))
        (view.checkbox("primary", "Primary").hint("Used when a login names the organization only."))
        (view.file("logo", "Logo", "image/png").hint("PNG of at most 256 kB.").optional())
    };
    view.render(&Form::new("/console/x", "Save changes", html! {}).cancel("/console"), fields)
}

#[test]
fn shell_samples() {
    let frame = Frame { flash: Some(Flash(Thing::Organization, Deed::Created)), ..frame() };
    let columns = [column("Organization"), column("Domains"), number("Logins"), column("Id")];
    let row = |name: &str| {
        vec![
            html! { a href="#" { (name) } },
            html! { "acme.example, acme.co.uk" },
            html! { "12" },
            copyable("org_12vqjrnxk9xeov6o4f05pan0g", "id"),
        ]
    };
    let list = List {
        caption: "Organizations",
        columns: &columns,
        rows: vec![
            row("Acme"),
            row("Rheinisch-Westfälische Elektrizitätsversorgungsgesellschaft mbH & Co. KG"),
        ],
        next_token: "T3",
        empty: html! {},
    };
    let place = Place::read("/console/x/organizations", "q=acme&page_token=T2", &["q"]);
    page(
        "console-shell",
        Shell::new(&frame, Section::Organizations, "Organizations").render(html! {
            div.head-row { h1 { "Organizations" } div.actions { (link_button(Weight::Primary, "New organization", "#")) } }
            (place.search("q", "Search organizations", "Company, domain, external ID or ID"))
            (list.view(&place))
        }),
    );
    let empty = List {
        rows: vec![],
        next_token: "",
        empty: html! { p { "No customer yet." } p { (link_button(Weight::Primary, "New organization", "#")) } },
        ..list
    };
    page(
        "console-shell-empty",
        Shell::new(&self::frame(), Section::Organizations, "Organizations").render(html! {
            h1 { "Organizations" }
            (empty.view(&Place::read("/console/x/organizations", "", &[])))
        }),
    );
}

#[test]
fn form_samples() {
    let typed = Typed::new()
        .with("displayName", "Acme <Holding>")
        .with("externalId", "customer-1")
        .with("domains", "acme.example\nnot a domain")
        .with("idpInitiated", "RESTART");
    let errors = FormErrors::one("domains", "\"not a domain\" is not a domain name such as example.com")
        .and("idpInitiated", "must be ALLOW or RESTART");
    page(
        "console-form",
        Shell::new(&frame(), Section::Organizations, "Edit Acme")
            .crumb("Acme", "/console/x/organizations/y")
            .render(html! { h1 { "Edit Acme" } section.card { (components(&typed, &errors)) } }),
    );
    let effects = [
        "214 people who signed in lately will no longer be able to.".to_owned(),
        "3 connections and 1 directory go with it.".to_owned(),
    ];
    let deletion = Deletion {
        kind: "organization",
        name: "Acme",
        effects: &effects,
        action: "/console/x/organizations/y/delete",
        cancel: "/console/x/organizations/y",
    };
    page(
        "console-delete",
        Shell::new(&frame(), Section::Organizations, "Delete Acme")
            .crumb("Acme", "/console/x/organizations/y")
            .render(deletion.view(
                &Typed::new(),
                &FormErrors::one("confirm", "type Acme to confirm"),
                html! {},
            )),
    );
}
