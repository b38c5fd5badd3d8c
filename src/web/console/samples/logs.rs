//! Snapshot tests of the pages of events, webhooks and the audit log, with long and hostile data.

use std::time::Duration;

use base::{
    id::{AdministratorId, ApiKeyId, Id, SamlConnectionId, WebhookDeliveryId},
    time::Timestamp,
};
use maud::{Markup, html};
use model::{
    audit::{AuditActor, AuditEvent},
    email::Email,
    event::{Event, EventKind, EventType},
    http_url::HttpUrl,
    webhook::{DeliveryState, Webhook, WebhookDelivery},
};
use serde_json::{Map, Value, json};
use strum::VariantArray;

use super::frame;
use crate::{
    app::{audit::Names, pagination::Page},
    web::{
        console::{
            audit_events,
            events::{self, list::EventView},
            kit::{
                resource::ConsoleResource as _,
                shell::{Section, Shell},
            },
            webhooks::{
                self,
                page::{WebhookActions, WebhookPage},
            },
        },
        kit::{
            confirm::DeleteConfirmation,
            forms::{Form, FormErrors, FormValues, FormView},
            list::ListUrl,
        },
        samples::page,
    },
};

const LONG_URL: &str = "https://hooks.accounting.ledgerline.example/integrations/ostiary/v1/receive?tenant=rheinisch-westfaelische&token=%3Cscript%3E";

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-21T12:00:00Z").unwrap()
}

fn sample(name: &str, section: Section, title: &str, content: Markup) {
    page(name, Shell::new(&frame(), section, title).render(content));
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn event_samples() {
    let event = |sequence, kind: EventKind, data| Event {
        environment_id: Id::from_bits(1),
        sequence,
        at: now() - Duration::from_secs(60 * (1300 - sequence)),
        kind: kind.into(),
        organization_id: Id::from_bits(4),
        directory_id: Some(Id::from_bits(2)),
        resource_id: "scim_user_12vqjrnxk9xeov6o4f05pan0g".to_owned(),
        data,
    };
    let all = [
        event(
            1204,
            EventKind::UserDeactivated,
            json!({ "before": { "active": true }, "after": { "active": false, "userName": "<i>dana</i>" } }),
        ),
        event(1203, EventKind::GroupMembershipChanged, json!({ "added": ["scim_user_a"], "removed": [] })),
    ];
    let linked = |name: &str| Some((name.to_owned(), "/console/x/y".to_owned()));
    let events = [
        EventView {
            event: &all[0],
            organization: linked("Acme"),
            resource: linked("<i>dana</i>"),
            brief: false,
        },
        EventView {
            event: &all[1],
            organization: linked("Rheinisch-Westfälische Elektrizitätsversorgungsgesellschaft mbH & Co. KG"),
            resource: None,
            brief: false,
        },
    ];
    let place = ListUrl::read("/console/x/events", "", &["type", "resource"]);
    let none = FormErrors::none();
    sample(
        "console-events",
        Section::Events,
        "Events",
        events::list::view(&events, "1203", &place, &none, now()),
    );
    sample(
        "console-events-empty",
        Section::Events,
        "Events",
        events::list::view(&[], "", &place, &none, now()),
    );
}

fn webhook_at(url: &str) -> Webhook {
    Webhook {
        id: Id::from_bits(40),
        environment_id: Id::from_bits(1),
        version: 1,
        url: HttpUrl::parse(url).unwrap(),
        sealed_secret: "never shown".to_owned(),
        previous_secret: None,
        event_types: Vec::new(),
        disabled_at: None,
        next_sequence: 1205,
        failures: 0,
        created_at: now() - Duration::from_secs(864_000),
        updated_at: now() - Duration::from_secs(3600),
    }
}

#[test]
fn webhook_samples() {
    let failing = Webhook {
        failures: 7,
        event_types: EventKind::VARIANTS.iter().copied().map(EventType::from).collect(),
        ..webhook_at(LONG_URL)
    };
    let disabled = Webhook {
        disabled_at: Some(now() - Duration::from_secs(90)),
        event_types: vec![EventKind::UserDeactivated.into()],
        ..webhook_at("https://old.example/")
    };
    let list = Page {
        items: vec![webhook_at("https://app.example/hooks"), failing.clone(), disabled.clone()],
        next_token: String::new(),
    };
    let place = ListUrl::read("/console/x/webhooks", "", &[]);
    let href = |webhook: &Webhook| format!("/console/x/webhooks/{}", webhook.id);
    let create = Some("/console/x/webhooks/new");
    let view = webhooks::list::view(&list, &place, create, &href, now());
    sample("console-webhooks", Section::Webhooks, "Webhooks", view);
    let none = Page { items: Vec::new(), next_token: String::new() };
    sample(
        "console-webhooks-empty",
        Section::Webhooks,
        "Webhooks",
        webhooks::list::view(&none, &place, create, &href, now()),
    );

    let typed = FormValues::new().with("url", "ftp://\"<b>").with("eventTypes", "scim_user.deleted");
    let errors = FormErrors::one("url", "must begin with https:// or http://");
    let form = Form::new("/console/x/webhooks/new", "Create webhook", html! {}).cancel("/console/x/webhooks");
    let view = FormView::new(&typed, &errors);
    let fields = Webhook::fields(&view, None);
    let content = html! { h1 { "New webhook" } section.card { (view.render(&form, fields)) } };
    sample("console-webhook-new", Section::Webhooks, "New webhook", content);
    let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD4wLOB1RrT0k=";
    let view = webhooks::secret::secret_view(
        &webhook_at(LONG_URL),
        secret,
        "Webhook created",
        None,
        "/console/x/webhooks/y",
    );
    sample("console-webhook-secret", Section::Webhooks, "Webhook created", view);

    let delivery = |sequence, state, attempts, status, error: Option<&str>| WebhookDelivery {
        id: Id::from_bits(u128::from(sequence)),
        webhook_id: Id::from_bits(40),
        environment_id: Id::from_bits(1),
        sequence,
        state,
        attempts,
        next_attempt_at: (state == DeliveryState::Pending).then(|| now() + Duration::from_secs(300)),
        last_status: status,
        last_error: error.map(str::to_owned),
        created_at: now(),
        updated_at: now() - Duration::from_secs(30),
    };
    let deliveries = Page {
        items: vec![
            delivery(1204, DeliveryState::Pending, 0, None, None),
            delivery(
                1203,
                DeliveryState::Pending,
                3,
                Some(503),
                Some("answered 503 <b>Service Unavailable</b>"),
            ),
            delivery(
                1202,
                DeliveryState::Failed,
                12,
                None,
                Some("could not connect: the name hooks.accounting.ledgerline.example has no address"),
            ),
            delivery(1201, DeliveryState::Delivered, 1, Some(204), None),
        ],
        next_token: "T2".to_owned(),
    };
    let place = ListUrl::read("/console/x/webhooks/y", "", &["state"]);
    let (no_errors, empty) = (FormErrors::none(), FormValues::new());
    let delivery_href = |id: WebhookDeliveryId| format!("/console/x/webhook-deliveries/{id}/replay");
    let actions = |typed, errors| WebhookActions {
        csrf: html! { input type="hidden" name="csrf" value="TOKEN"; },
        edit: "/console/x/webhooks/y/edit".to_owned(),
        delete: "/console/x/webhooks/y/delete".to_owned(),
        toggle: "/console/x/webhooks/y/disable".to_owned(),
        replay: "/console/x/webhooks/y/replay".to_owned(),
        delivery: &delivery_href,
        typed,
        errors,
    };
    let wrong = FormErrors::one("after", "the last event is 1204");
    let typed = FormValues::new().with("after", "99999");
    let shown = WebhookPage {
        webhook: &failing,
        deliveries: &deliveries,
        place: &place,
        filter_errors: &no_errors,
        actions: Some(actions(&typed, &wrong)),
        now: now(),
    };
    sample("console-webhook", Section::Webhooks, "Webhook", webhooks::show::view(&shown));
    let viewer = WebhookPage { actions: None, ..shown };
    sample("console-webhook-viewer", Section::Webhooks, "Webhook", webhooks::show::view(&viewer));
    let off = WebhookPage {
        webhook: &disabled,
        deliveries: &Page { items: Vec::new(), next_token: String::new() },
        actions: Some(actions(&empty, &no_errors)),
        ..viewer
    };
    sample("console-webhook-disabled", Section::Webhooks, "Webhook", webhooks::show::view(&off));
    let effects =
        ["https://app.example/hooks gets no events any more, and what waits to be sent is not.".to_owned()];
    let deletion = DeleteConfirmation {
        kind: "webhook",
        name: "app.example",
        effects: &effects,
        action: "/a",
        cancel: "/b",
    };
    let view = deletion.view(&FormValues::new(), &FormErrors::none(), html! {});
    sample("console-webhook-delete", Section::Webhooks, "Delete webhook", view);
}

#[test]
fn audit_samples() {
    let dana = AdministratorId::from_bits(50);
    let mut names = Names::default();
    names.administrators.insert(dana, Email::parse("dana@ledgerline.example").unwrap());
    names.organizations.insert(Id::from_bits(4), "Acme <Holding>".to_owned());
    let event = |bits, actor: (&str, String), action: &str, target: String, before, after| AuditEvent {
        id: Id::from_bits(bits),
        environment_id: Some(Id::from_bits(1)),
        at: now() - Duration::from_secs(60 * (100 - u64::try_from(bits).unwrap())),
        actor: AuditActor { kind: actor.0.to_owned(), id: actor.1 },
        address: Some("203.0.113.7".parse().unwrap()),
        action: action.to_owned(),
        target_kind: action.split_once('.').unwrap().0.to_owned(),
        target_id: target,
        organization_id: Some(Id::from_bits(4)),
        before,
        after,
    };
    let certificate =
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", "MIIB".repeat(200));
    let connection = SamlConnectionId::from_bits(7).to_string();
    let administrator = || ("administrator", dana.to_string());
    let mut gone = event(
        95,
        ("administrator", AdministratorId::from_bits(51).to_string()),
        "scim_directory.bearer_token_rotated",
        "scim_directory_12vqjrnxk9xeov6o4f05pan0g".to_owned(),
        Map::new(),
        Map::new(),
    );
    gone.organization_id = Some(Id::from_bits(9));
    let items = vec![
        event(
            99,
            administrator(),
            "saml_connection.updated",
            connection.clone(),
            object(json!({ "idpRedirectUrl": "https://old.idp.example/sso", "allowSha1": true })),
            object(json!({ "idpRedirectUrl": "https://new.idp.example/sso?<script>", "allowSha1": false })),
        ),
        event(
            98,
            ("api_key", ApiKeyId::from_bits(8).to_string()),
            "organization.updated",
            "org_12vqjrnxk9xeov6o4f05pan0g".to_owned(),
            object(json!({ "domains": {}, "externalId": null })),
            object(json!({ "domains": { "acme.example": "whitelisted" }, "externalId": "customer-1" })),
        ),
        event(
            97,
            ("operator", String::new()),
            "saml_connection.created",
            connection,
            Map::new(),
            object(
                json!({ "idpEntityId": "https://idp.example", "certificates": [certificate], "primary": true }),
            ),
        ),
        event(
            96,
            ("service", String::new()),
            "webhook.deleted",
            "webhook_12vqjrnxk9xeov6o4f05pan0g".to_owned(),
            object(json!({ "url": LONG_URL, "eventTypes": [], "enabled": true })),
            Map::new(),
        ),
        gone,
        event(94, administrator(), "administrator.signed_in", dana.to_string(), Map::new(), Map::new()),
    ];
    let log = Page { items, next_token: "T2".to_owned() };
    let none = FormErrors::none();
    let place = ListUrl::read(
        "/console/x/audit-events",
        "actorId=dana%40ledgerline.example&since=2026-11-01",
        &["actorId", "since"],
    );
    let shown = audit_events::list::AuditLogPage {
        page: &log,
        names: &names,
        place: &place,
        errors: &none,
        export: "/console/x/audit-events/export",
        installation: Some("/console/audit-events"),
        now: now(),
    };
    sample("console-audit", Section::Audit, "Audit log", audit_events::list::view("Audit log", &shown));
    let empty = Page { items: Vec::new(), next_token: String::new() };
    let place = ListUrl::read("/console/x/audit-events", "", &[]);
    let first = audit_events::list::AuditLogPage { page: &empty, place: &place, installation: None, ..shown };
    sample("console-audit-empty", Section::Audit, "Audit log", audit_events::list::view("Audit log", &first));
    let wrong = FormErrors::one("since", "must be a day such as 2026-11-21");
    let wrong = audit_events::list::AuditLogPage { errors: &wrong, ..first };
    sample("console-audit-wrong", Section::Audit, "Audit log", audit_events::list::view("Audit log", &wrong));
}
