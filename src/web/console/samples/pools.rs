//! The pages of identity pools and schemas, with long and hostile data.

use std::{fmt, time::Duration};

use base::{id::Id, time::Timestamp};
use maud::{Markup, html};
use model::{
    account::{OneTimeCodeSettings, PasswordPolicy, PasswordRules, PasswordStrength, RequiredCharacters},
    color::Color,
    identity_pool::{AuthenticationMechanism, IdentityPool, Mechanisms, OtpSetting},
    identity_schema::{IdentitySchema, SchemaRef, SystemSchema},
    user_group::UserGroup,
};
use serde_json::{Value, json};

use super::frame;
use crate::{
    app::accounts::schemas::Schema,
    links,
    web::{
        console::{
            identity_pools::{self, list::PoolsPage, show::PoolPage},
            identity_schemas::{self, page::EDITOR, show::SchemaPage},
            kit::{
                schema_editor::SchemaEditor,
                shell::{Section, Shell},
            },
        },
        kit::forms::{Form, FormErrors, FormValues},
        samples::page,
    },
};

const LONG: &str = "Beschäftigte der <b>Rheinisch-Westfälischen</b> Elektrizitätsversorgungsgesellschaft";

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-21T12:00:00Z").unwrap()
}

fn href(pattern: &str, segments: &[&dyn fmt::Display]) -> String {
    let environment: &dyn fmt::Display = &"x";
    links::expand(pattern, &[&[environment], segments].concat())
}

fn sample(name: &str, title: &str, content: Markup) {
    page(name, Shell::new(&frame(), Section::IdentityPools, title).previews().render(content));
}

fn plain() -> IdentityPool {
    IdentityPool {
        name: "Users".into(),
        ..IdentityPool::new(
            Id::from_bits(61),
            Id::from_bits(1),
            Id::from_bits(2),
            now() - Duration::from_secs(7200),
        )
    }
}

fn strict() -> IdentityPool {
    use AuthenticationMechanism::{EmailOtp, Password, Totp, Webauthn};
    let characters = RequiredCharacters { digits: 2, special_characters: 1, ..RequiredCharacters::default() };
    let policy =
        PasswordPolicy::new(16, PasswordStrength::Strong).unwrap().with_characters(characters).unwrap();
    let mut pool = IdentityPool {
        id: Id::from_bits(62),
        name: LONG.into(),
        description: "Everybody who works there, and <i>nobody</i> else.".into(),
        badge_color: Color::parse("#c41f6e"),
        first_factors: Mechanisms { allowed: vec![Password, Webauthn, EmailOtp], preferred: Some(Webauthn) },
        second_factors: Mechanisms { allowed: vec![Totp], preferred: Some(Totp) },
        identifier_case_insensitive: false,
        public_registration_allowed: true,
        payload_schema: SchemaRef::Own(Id::from_bits(71)),
        business_metadata_schema: Some(SchemaRef::System(SystemSchema::Metadata)),
        password_rules: PasswordRules {
            policy: policy.with_former_passwords(5).unwrap(),
            expires_after: Some(Duration::from_secs(90 * 86_400)),
        },
        self_reset_allowed: false,
        number_of_users: 214,
        number_of_jit_users: 12,
        ..plain()
    };
    let activation = OneTimeCodeSettings::new(8, Duration::from_secs(2 * 86_400));
    pool.otp_settings.set(OtpSetting::Activation, activation);
    pool
}

fn letters_only() -> IdentityPool {
    let first_factors = Mechanisms { allowed: vec![AuthenticationMechanism::EmailOtp], preferred: None };
    IdentityPool { id: Id::from_bits(63), name: "Letters".into(), first_factors, ..plain() }
}

fn schema() -> IdentitySchema {
    let schema: Value = json!({
        "type": "object",
        "required": ["crm"],
        "properties": {
            "crm": { "type": "string", "title": "CRM number", "description": "As in <i>the</i> CRM", "maxLength": 18 },
            "plan": { "enum": ["free", "pro"], "title": "Plan" },
            "tags": { "type": "array", "items": { "type": "string" }, "title": "Tags" },
            "billing": {
                "type": "object",
                "title": "Billing",
                "properties": { "country": { "type": "string", "title": "Country" }, "vat": { "type": "string", "title": "VAT number" } }
            }
        },
        "additionalProperties": false
    });
    IdentitySchema {
        id: Id::from_bits(71),
        environment_id: Id::from_bits(1),
        version: 3,
        name: "Customers <b>".into(),
        description: "What the shop knows about its customers".into(),
        schema: schema.as_object().unwrap().clone(),
        created_at: now() - Duration::from_secs(86_400),
        updated_at: now() - Duration::from_secs(60),
    }
}

fn schemas() -> Vec<Schema> {
    vec![Schema::System(SystemSchema::User), Schema::System(SystemSchema::Metadata), Schema::Own(schema())]
}

pub(super) fn groups() -> Vec<UserGroup> {
    let group = |bits, name: &str, description: &str| UserGroup {
        id: Id::from_bits(bits),
        environment_id: Id::from_bits(1),
        organization_id: Id::from_bits(2),
        pool_id: Id::from_bits(61),
        version: 2,
        name: name.into(),
        description: description.into(),
        created_at: now() - Duration::from_secs(86_400),
        updated_at: now() - Duration::from_secs(60),
    };
    vec![group(81, "Administrators", ""), group(82, LONG, "Who may <i>everything</i>\nand is asked first")]
}

fn pool_page(pool: &IdentityPool, may_manage: bool) -> Markup {
    let named = |id: SchemaRef| match id {
        SchemaRef::System(system) => (id, system.name().to_owned()),
        SchemaRef::Own(_) => (id, schema().name),
    };
    identity_pools::show::view(&PoolPage {
        pool,
        owner: ("Acme", href(links::console::ORGANIZATION, &[&pool.organization_id])),
        schemas: [
            Some(named(pool.payload_schema)),
            Some(named(pool.metadata_schema)),
            pool.business_metadata_schema.map(named),
        ],
        groups: &if may_manage { groups() } else { Vec::new() },
        new_group: may_manage.then_some("/console/x/identity-pools/y/groups/new"),
        may_manage,
        new_user: may_manage.then_some("/console/x/identity-pools/y/users/new"),
        href: &href,
        now: now(),
    })
}

fn list(pools: &[IdentityPool], is_root: bool) -> Markup {
    identity_pools::list::view(&PoolsPage {
        name: "Acme",
        is_root,
        pools,
        new: Some("/console/x/identity-pools/new"),
        href: &href,
        now: now(),
    })
}

#[test]
fn pool_samples() {
    sample("console-pools", "Identity pools", list(&[plain(), strict(), letters_only()], false));
    sample("console-pools-empty", "Identity pools", list(&[], true));
    sample("console-pool", "Users", pool_page(&plain(), false));
    sample("console-pool-strict", LONG, pool_page(&strict(), true));
    sample("console-pool-nobody", "Letters", pool_page(&letters_only(), true));
    let form =
        Form::new("/console/x/identity-pools/new", "Create identity pool", html! {}).cancel("/console/x");
    let choices = identity_pools::fields::schema_choices(&schemas());
    let errors = FormErrors::one("badge_color", "must be a colour such as #1f4fc4")
        .and("otp_settings.activation.ttl", "must be from a minute to 30 days");
    sample(
        "console-pool-form",
        "New identity pool",
        identity_pools::form::view(
            "New identity pool of Acme",
            &form,
            &choices,
            &identity_pools::fields::values(&strict()),
            &errors,
        ),
    );
}

#[tokio::test]
async fn schema_samples() {
    let preview = async |text: &str| {
        EDITOR.preview(&FormValues::new().with(EDITOR.name, text).with("example/plan", "pro")).await.unwrap()
    };
    let text = SchemaEditor::text(&schema().schema);
    let list = identity_schemas::list::view(&schemas(), true, &href, now());
    sample("console-schemas", "Schemas", list);
    let own = |schema: Schema, may_manage: bool, preview: &_| {
        let uses = (vec![plain(), strict()], true);
        let page = SchemaPage { schema: &schema, preview, uses: &uses, may_manage, href: &href, now: now() };
        identity_schemas::show::view(&page)
    };
    sample("console-schema", "Customers <b>", own(Schema::Own(schema()), true, &preview(&text).await));
    let system = SystemSchema::Metadata;
    let preview_of_system = preview(&SchemaEditor::text(system.schema())).await;
    sample("console-schema-system", "Metadata", own(Schema::System(system), true, &preview_of_system));
    let form = Form::new("/console/x/identity-schemas/new", "Create schema", html! {}).cancel("/console/x");
    let edited = |text: &str| FormValues::new().with("name", LONG).with(EDITOR.name, text);
    sample(
        "console-schema-form",
        "New schema",
        identity_schemas::form::view(
            "New schema",
            &form,
            &preview(&text).await,
            &edited(&text),
            &FormErrors::none(),
        ),
    );
    let bad = "{ \"properties\": { \"a\": { \"type\": \"text\" } } }";
    let errors = FormErrors::one(EDITOR.name, "/properties/a/type: must be one of the types");
    sample(
        "console-schema-form-bad",
        "New schema",
        identity_schemas::form::view("New schema", &form, &preview(bad).await, &edited(bad), &errors),
    );
}
