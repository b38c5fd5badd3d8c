//! Snapshot tests of the pages of templates, and of organizations that were made from one.

use std::{collections::BTreeMap, time::Duration};

use base::{id::Id, time::Timestamp};
use maud::{Markup, html};
use model::{
    email::Email,
    identity_pool::{AuthenticationMechanism, IdentityPool},
    json_object::JsonObject,
    organization::{AppliedTemplate, Organization},
};
use serde_json::{Value, json};

use super::frame;
use crate::{
    app::{Error, organizations::error::OrganizationError, pagination::Page},
    links,
    web::{
        console::{
            kit::shell::{Section, Shell},
            organizations::{
                self,
                inherited::Inherited,
                metadata::{EDITOR, metadata_view, schema_form, schema_view},
                new::NewOrganizationForm,
                profile::Surroundings,
                show::OrganizationPage,
            },
            templates,
        },
        kit::{
            forms::{Form, FormErrors, FormValues, Offers},
            list::ListUrl,
        },
        samples::page,
    },
};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-05-21T12:00:00Z").unwrap()
}

fn href(pattern: &str, segments: &[&dyn std::fmt::Display]) -> String {
    let environment = Id::<base::id::EnvironmentKind>::from_bits(1);
    let mut all: Vec<&dyn std::fmt::Display> = vec![&environment];
    all.extend(segments);
    links::expand(pattern, &all)
}

fn csrf() -> Markup {
    html! { input type="hidden" name="form_token" value="TOKEN"; }
}

fn sample(name: &str, section: Section, title: &str, content: Markup) {
    page(name, Shell::new(&frame(), section, title).render(content));
}

fn object(value: Value) -> JsonObject {
    JsonObject::from_map(value.as_object().unwrap())
}

fn organization(bits: u128, name: &str) -> Organization {
    let made = Organization::new(Id::from_bits(bits), Id::from_bits(1), now() - DAY * 18);
    Organization { display_name: name.into(), ..made }
}

fn schema() -> JsonObject {
    object(json!({
        "type": "object",
        "required": ["salesforceId"],
        "properties": {
            "salesforceId": { "type": "string", "title": "Salesforce id", "description": "Of the account, 18 characters.", "maxLength": 18 },
            "plan": { "enum": ["free", "pro"], "title": "Plan" },
        },
    }))
}

fn template() -> Organization {
    Organization {
        template: true,
        description: "Everybody who pays.\nNot for trials <yet>.".into(),
        authentication_mechanisms: Some(vec![
            AuthenticationMechanism::Password,
            AuthenticationMechanism::Webauthn,
        ]),
        color: "#1f6f54".into(),
        attributes: [("tier", "enterprise"), ("region", "eu")]
            .map(|(key, value)| (key.into(), value.into()))
            .into(),
        metadata_schema: schema(),
        ..organization(70, "B2B customers <EU>")
    }
}

fn inherited() -> Inherited {
    let pool = |bits, name: &str| IdentityPool {
        name: name.into(),
        ..IdentityPool::new(Id::from_bits(bits), Id::from_bits(1), Id::from_bits(70), now())
    };
    Inherited { template: template(), pools: vec![pool(7, "Staff"), pool(8, "Guests <external>")] }
}

fn bare() -> Inherited {
    let template = Organization { template: true, ..organization(71, "Trials") };
    Inherited { template, pools: Vec::new() }
}

#[test]
fn template_samples() {
    let page = Page { items: vec![inherited(), bare()], next_token: String::new() };
    let default = Some(template().id);
    let list = templates::list::view(&page, default, &ListUrl::default(), true, &href, now());
    sample("console-templates", Section::Templates, "Templates", list);
    let empty = Page { items: Vec::new(), next_token: String::new() };
    let list = templates::list::view(&empty, None, &ListUrl::default(), true, &href, now());
    sample("console-templates-empty", Section::Templates, "Templates", list);
    let (given, bare) = (inherited(), bare());
    let shown = templates::show::TemplatePage {
        given: &given,
        is_default: true,
        audit: &[],
        may_manage: true,
        may_add_pools: true,
        may_choose_default: true,
        href: &href,
        csrf: csrf(),
        now: now(),
    };
    sample("console-template", Section::Templates, "B2B customers <EU>", templates::show::view(&shown));
    let plain =
        templates::show::TemplatePage { given: &bare, is_default: false, may_choose_default: false, ..shown };
    sample("console-template-bare", Section::Templates, "Trials", templates::show::view(&plain));
    let form = Form::new("/new", "Create template", csrf());
    let errors = FormErrors::one("displayName", "is required");
    let content = templates::form::view(&form, &FormValues::new(), &errors);
    sample("console-template-new", Section::Templates, "New template", content);
}

#[test]
fn new_organization_samples() {
    let choices = [("", "None: at the top"), ("org_1", "Acme Holding")];
    let choices = choices.map(|(value, label)| (value.to_owned(), label.to_owned())).to_vec();
    let offered = NewOrganizationForm {
        templates: vec![inherited(), bare()],
        default_template: Some(template().id),
        more: true,
        offers: Offers::default().with("parentId", Some(choices)),
    };
    let form = Form::new("/new", "Create organization", csrf());
    let typed = FormValues::new().with("templateId", template().id).with("displayName", "Initech");
    let content = offered.view(&form, &typed, &FormErrors::none(), "/template", "/templates");
    sample("console-organization-form", Section::Organizations, "New organization", content);
    let cycle = Error::Organization(OrganizationError::ParentCycle);
    let content = NewOrganizationForm::default().view(
        &form,
        &FormValues::new().with("parentId", "Initech"),
        &FormErrors::from_error(cycle).unwrap(),
        "/template",
        "/templates",
    );
    sample(
        "console-organization-form-without-templates",
        Section::Organizations,
        "New organization",
        content,
    );
}

#[tokio::test]
async fn organization_from_a_template_samples() {
    let parent = Id::from_bits(60);
    let made = Organization {
        parent_id: parent,
        applied_template: Some(AppliedTemplate { id: template().id, at: now() - DAY * 18 }),
        contact_email: Email::parse("it@initech.example"),
        description: "Printers.\nAnd faxes.".into(),
        metadata: object(json!({ "salesforceId": "001xx000003DGb2AAG", "seats": { "sold": 12 } })),
        ..Organization {
            template: false,
            id: Id::from_bits(77),
            display_name: "Initech".into(),
            ..template()
        }
    };
    let empty = || Page { items: Vec::new(), next_token: String::new() };
    let around = Surroundings {
        names: BTreeMap::from([(template().id, "B2B customers <EU>".into()), (parent, String::new())]),
        children: 7,
        first_children: vec![organization(80, "Initech Labs"), organization(81, "Initrode <b>")],
        violations: vec!["/plan must be one of \"free\", \"pro\".".into()],
    };
    let shown = OrganizationPage {
        organization: &made,
        around: &around,
        shared: &[],
        lost: &[],
        connections: &Page { items: Vec::new(), next_token: String::new() },
        oidc_connections: &Page { items: Vec::new(), next_token: String::new() },
        directories: &Page { items: Vec::new(), next_token: String::new() },
        users: 0,
        associated: &[],
        links: &Page { items: Vec::new(), next_token: String::new() },
        audit: &[],
        may_manage: true,
        href: &href,
        csrf: csrf(),
        now: now(),
    };
    sample(
        "console-organization-inherited",
        Section::Organizations,
        "Initech",
        organizations::show::view(&shown),
    );

    let children = Page { items: around.first_children.clone(), next_token: "NEXT".into() };
    let content =
        organizations::children::view(&made, &children, &ListUrl::default(), Some("/new"), &href, now());
    sample("console-organization-children", Section::Organizations, "Organizations below Initech", content);
    let content =
        organizations::children::view(&made, &empty(), &ListUrl::default(), Some("/new"), &href, now());
    sample("console-organization-childless", Section::Organizations, "Organizations below Initech", content);

    let form = Form::new("/edit", "Save", csrf());
    let values = schema_form(&made).values(&made.metadata.to_map(), FormValues::new());
    let errors = FormErrors::one("metadata/salesforceId", "is required");
    let content = metadata_view(&made, "Metadata of Initech", &form, "/schema", &values, &errors);
    sample("console-metadata", Section::Organizations, "Metadata of Initech", content);
    let typed = FormValues::new().with("metadataSchema", made.metadata_schema.as_str());
    let preview = EDITOR.preview(&typed).await.unwrap();
    let none = FormErrors::none();
    let content = schema_view(&made, "Metadata schema of Initech", &form, &typed, &none, &preview);
    sample("console-metadata-schema", Section::Organizations, "Metadata schema of Initech", content);
}
