//! Templates in the console: made, marked as the default, organizations made from them; and the tree of organizations.

use base::id::OrganizationId;
use model::administrator::Role;
use ostiary::app::{
    organizations::{self, OrganizationChange},
    principal::Principal,
};
use serde_json::json;

use crate::{
    both,
    support::{Answer, TestApp, console::Console},
};

const SCHEMA: &str = r#"{
  "type": "object",
  "required": ["salesforceId"],
  "properties": {
    "salesforceId": { "type": "string", "title": "Salesforce id", "maxLength": 18 },
    "plan": { "enum": ["free", "pro"], "title": "Plan" }
  }
}"#;

async fn template(console: &Console<'_>, name: &str) -> String {
    console.done("/templates/new", &[("displayName", name)]).await.id("org_")
}

async fn organization(console: &Console<'_>, fields: &[(&str, &str)]) -> String {
    console.done("/organizations/new", fields).await.id("org_")
}

/// A form that must be refused, at this field, in these words.
#[track_caller]
fn refused_at(answer: &Answer, field: &str, words: &str) {
    assert_eq!(answer.status, 422, "{}", answer.text());
    let anchor = format!("href=\"#{field}\"");
    assert!(answer.body.contains(&anchor), "{anchor} is not in {}", answer.body);
    answer.says(words);
}

/// Organizations as the operator makes them.
async fn make(app: &TestApp, console: &Console<'_>, name: &str, parent: Option<&str>) -> OrganizationId {
    let change = OrganizationChange {
        display_name: Some(name.to_owned()),
        parent_id: parent.map(str::to_owned),
        ..OrganizationChange::default()
    };
    let operator = Principal::operator(console.environment.id);
    organizations::create(&app.state, &operator, &change).await.unwrap().id
}

both! {
    async fn a_customer_is_made_from_the_default_template(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Owner, &environment).await;
        console.page("/templates").await.says("what your customers have in common").says("Create the first template");
        console.page("/organizations/new").await.says("Make a template first");
        let made = console
            .done("/templates/new", &[
                ("displayName", "B2B <customers>"),
                ("description", "Everybody who pays"),
                ("color", "#1f6f54"),
                ("attributes", "tier=gold\r\nregion = eu"),
                ("authenticationMechanisms", ""),
                ("authenticationMechanisms", "password"),
                ("authenticationMechanisms", "webauthn"),
            ])
            .await;
        made.says("Template created.").says("Passkey").says("tier").says("gold").says("Nobody signs in to a template");
        let id = made.id("org_");
        let at = format!("/organizations/{id}");
        let schema = console.done(&format!("{at}/metadata-schema/edit"), &[("metadataSchema", SCHEMA)]).await;
        schema.says("Metadata schema saved.").says("Salesforce id");
        console.page("/templates").await.says("B2B <customers>").says("a metadata schema with 2 fields").does_not_say("Default");
        console.page("/organizations").await.does_not_say("B2B");
        // What a customer has, a template has not, and the page says why.
        let page = console.page(&at).await;
        for button in ["Add domain", "New connection", "New directory", "New setup link", "New user", "Edit metadata"] {
            page.does_not_say(button);
        }
        page.says("It has no domains, connections, directories, setup links and users");

        console.done(&format!("{at}/default"), &[("default", "true")]).await.says("Default template saved.").says("It is the default");
        console.page("/templates").await.says("Default");
        console.page("/settings").await.says("Default template B2B <customers>");

        let form = console.page("/organizations/new").await;
        form.says("B2B <customers> (the default)").says("Gives sign-in by password and passkey · an identity pool “Users”");
        assert!(form.body.contains(&format!("value=\"{id}\" checked")), "{}", form.body);
        let customer = console
            .done("/organizations/new", &[("displayName", "Initech"), ("domains", "initech.example"), ("templateId", &id), ("parentId", "")])
            .await;
        customer.says("Organization created.").says("from template B2B <customers>");
        customer.says("Password Passkey").says("#1f6f54").says("tier gold").says("initech.example");
        assert!(customer.body.contains(&format!("organizations/{id}\">B2B")), "{}", customer.body);
        let own = format!("/organizations/{}", customer.id("org_"));

        // Its metadata has the fields of the schema, and what does not fit is told there.
        let edit = format!("{own}/metadata/edit");
        console.page(&edit).await.says("Salesforce id").says("Plan");
        let missing = console.post(&edit, &[("metadata/salesforceId", ""), ("metadata/plan", "pro")]).await;
        refused_at(&missing, "metadata/salesforceId", "Salesforce id: Is required.");
        let long = console.post(&edit, &[("metadata/salesforceId", "1234567890123456789")]).await;
        refused_at(&long, "metadata/salesforceId", "18 characters");
        assert_eq!(long.input("metadata/salesforceId").as_deref(), Some("1234567890123456789"));
        let fields = [("metadata/salesforceId", "001xx000003DGb2AAG"), ("metadata/plan", "pro"), ("metadata", r#"{"seats": 12}"#)];
        let saved = console.done(&edit, &fields).await;
        saved.says("Metadata saved.").says("001xx000003DGb2AAG").says("seats");
        // Programs read the same.
        let key = app.api_key(&environment, true).await;
        let read = app.api(&key, reqwest::Method::GET, &format!("/v1{own}"), None).await.json();
        let expected = json!({ "salesforceId": "001xx000003DGb2AAG", "plan": "pro", "seats": 12 });
        assert_eq!(read["organization"]["metadata"], expected);

        // What the template becomes later does not reach it; that it is gone is told.
        let fields = [("displayName", "B2B"), ("color", "#000000"), ("description", ""), ("attributes", "")];
        console.done(&format!("{at}/edit"), &fields).await.says("Template saved.").does_not_say("gold");
        console.page(&own).await.says("#1f6f54").says("tier gold").says("from template B2B");
        console.page(&format!("{at}/delete")).await.says("Delete template").says("It is the default template");
        let deleted = console.done(&format!("{at}/delete"), &[("confirm", "B2B")]).await;
        deleted.says("Template deleted.");
        assert!(deleted.url.path().ends_with("/templates"), "{}", deleted.url);
        console.page(&own).await.says("from a template that is gone, on ").says("tier gold");
        console.page("/settings").await.says("Default template One that is gone");
        console.page("/settings/edit").await.says("which is not among the templates");
        let none = console.done("/settings/edit", &[("defaultTemplateId", "")]).await;
        none.says("Default template None");
    }

    async fn refusals_stand_at_their_fields_in_words(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Owner, &environment).await;
        let template_id = template(&console, "B2B").await;
        // Templates have names of their own.
        refused_at(&console.post("/templates/new", &[("displayName", " b2b ")]).await, "displayName", "programs name it by that");
        refused_at(&console.post("/templates/new", &[("displayName", "")]).await, "displayName", "Name: Is required.");
        let other = template(&console, "Trials").await;
        let renamed = console.post(&format!("/organizations/{other}/edit"), &[("displayName", "B2B")]).await;
        refused_at(&renamed, "displayName", "another organization or template");
        refused_at(&console.post("/templates/new", &[("displayName", "x"), ("color", "green")]).await, "color", "Must be #rrggbb");
        refused_at(&console.post("/templates/new", &[("displayName", "x"), ("attributes", "tier")]).await, "attributes", "key=value");

        // The tree.
        let top = organization(&console, &[("displayName", "Holding")]).await;
        let middle = organization(&console, &[("displayName", "Company"), ("parentId", &top)]).await;
        let bottom = organization(&console, &[("displayName", "Shop"), ("parentId", &middle)]).await;
        let edit = |id: &str| format!("/organizations/{id}/edit");
        console.page(&format!("/organizations/{middle}")).await.says("Parent Holding").says("Organizations below it (1)").says("Shop");
        for below in [&bottom, &middle] {
            refused_at(&console.post(&edit(&middle), &[("parentId", below)]).await, "parentId", "nothing is below itself");
        }
        // Nor is the root, nor one of another environment, named as a parent.
        let foreign = app.tenant(&app.environment("other").await, "foreign.example").await.organization.id.to_string();
        for nobody in [&*foreign, "nobody", "org_0000000000000000000000009", "\u{1}"] {
            let refused = console.post(&edit(&middle), &[("parentId", nobody)]).await;
            refused_at(&refused, "parentId", "No organization of this environment has the name or ID");
        }
        refused_at(&console.post(&edit(&middle), &[("parentId", &template_id)]).await, "parentId", "This is a template, which has no organizations below it");
        refused_at(&console.post("/organizations/new", &[("displayName", "x"), ("parentId", "b2b")]).await, "parentId", "This is a template");
        // By its name, while only one is called so.
        console.done(&edit(&bottom), &[("parentId", "holding")]).await.says("Parent Holding");
        organization(&console, &[("displayName", "HOLDING")]).await;
        refused_at(&console.post(&edit(&middle), &[("parentId", "Holding")]).await, "parentId", "Several organizations have the name");
        console.done(&edit(&bottom), &[("parentId", "")]).await.does_not_say("Parent");
        console.done(&edit(&bottom), &[("parentId", &middle)]).await.says("Parent Company");
        // What has others below it stays, and is in use as long as they are.
        let deleted = console.post(&format!("/organizations/{top}/delete"), &[("confirm", "Holding")]).await;
        assert_eq!(deleted.status, 422);
        deleted.says("There are organizations below this one. Delete them first").does_not_say("organization_has_children");
        refused_at(&console.post(&edit(&top), &[("disabled", "true")]).await, "disabled", "Switch those off first");
        for id in [&bottom, &middle, &top] {
            console.done(&edit(id), &[("disabled", "true")]).await;
        }
        refused_at(&console.post(&edit(&bottom), &[("disabled", "")]).await, "parentId", "The organization above it is switched off");

        // Templates that are none.
        for (wrong, words) in [(&*top, "is not a template"), ("org_0000000000000000000000009", "gone in the meantime")] {
            let refused = console.post("/organizations/new", &[("displayName", "x"), ("templateId", wrong)]).await;
            refused_at(&refused, "templateId", words);
        }
        console.page("/organizations?q=x").await.says("Nothing here matches.");
        // Schemas.
        let schema = format!("/organizations/{template_id}/metadata-schema/edit");
        for (wrong, words) in [
            ("{", "JSON"),
            ("[]", "JSON object"),
            (r#"{"properties":{"a":{"type":"text"}}}"#, "/properties/a"),
            (r#"{"$ref":"https://a.example/"}"#, "$ref"),
        ] {
            let refused = console.post(&schema, &[("metadataSchema", wrong)]).await;
            refused_at(&refused, "metadataSchema", words);
        }
        // It is looked at before it is saved.
        let looked = console.post(&schema, &[("metadataSchema", SCHEMA), ("preview", "metadataSchema")]).await;
        assert_eq!(looked.status, 200, "{}", looked.text());
        looked.says("Salesforce id").says("2 fields, 1 required");
        console.page(&format!("/organizations/{template_id}")).await.does_not_say("Salesforce id");
        // Settings of the environment.
        for (field, wrong, words) in [
            ("defaultTemplateId", &*middle, "Must be a template"),
            ("defaultParentId", &template_id, "and no template"),
            ("defaultParentId", "nobody", "No organization of this environment"),
        ] {
            refused_at(&console.post("/settings/edit", &[(field, wrong)]).await, field, words);
        }
    }

    async fn a_template_gets_nothing_of_a_customer_in_the_console(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Admin, &environment).await;
        let id = template(&console, "B2B").await;
        let at = format!("/organizations/{id}");
        for (path, fields, status) in [
            ("domains", &[("domain", "acme.example")][..], 422),
            ("saml-connections/new", &[("idpEntityId", "x")], 422),
            ("setup-links/new", &[("canManageSaml", "true"), ("lifetimeSeconds", "604800")], 422),
            ("scim-directories/new", &[], 400),
            ("metadata/edit", &[("metadata", "{}")], 400),
            ("edit", &[("displayName", "B2B"), ("domains", "acme.example")], 422),
        ] {
            let refused = console.post(&format!("{at}/{path}"), fields).await;
            assert_eq!(refused.status, status, "{path}: {}", refused.text());
            refused.says("template, which has no");
        }
        console.page(&at).await.does_not_say("acme.example");
    }

    async fn who_may_not_change_the_environment_chooses_no_default(app: TestApp) {
        let (environment, other) = (app.environment("prod").await, app.environment("other").await);
        let owner = app.console(Role::Owner, &environment).await;
        let id = template(&owner, "B2B").await;
        let (at, default) = (format!("/organizations/{id}"), format!("/organizations/{id}/default"));
        let admin = app.console(Role::Admin, &environment).await;
        admin.page(&at).await.does_not_say("Mark as default").says("An owner of the environment can change that.");
        assert_eq!(admin.post(&default, &[("default", "true")]).await.status, 403);
        let viewer = app.console(Role::Viewer, &environment).await;
        viewer.page(&at).await.says("B2B").does_not_say("New organization").does_not_say("Edit");
        viewer.page("/templates").await.says("B2B").does_not_say("New template");
        for path in ["/templates/new", &format!("{at}/metadata-schema/edit"), &format!("{at}/edit")] {
            assert_eq!(viewer.get(path).await.status, 403, "{path}");
        }
        // Of another environment, and what is no template.
        let stranger = app.console(Role::Owner, &other).await;
        for path in [&*at, &format!("{at}/organizations"), &format!("{at}/metadata-schema/edit")] {
            assert_eq!(stranger.get(path).await.status, 404, "{path}");
        }
        assert_eq!(stranger.post(&default, &[("default", "true")]).await.status, 404);
        let customer = organization(&owner, &[("displayName", "Acme")]).await;
        let refused = owner.post(&format!("/organizations/{customer}/default"), &[("default", "true")]).await;
        assert_eq!(refused.status, 400);
        owner.page("/settings").await.says("Default template None");
        owner.done(&default, &[("default", "true")]).await.says("No longer the default");
        owner.done(&default, &[("default", "")]).await.says("Mark as default");
        // The audit log tells it.
        owner.page("/audit-events").await.says("changed environment");
    }

    async fn many_organizations_below_one_are_counted_and_paged(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Owner, &environment).await;
        let top = make(&app, &console, "Holding", None).await;
        for number in 0..55 {
            make(&app, &console, &format!("Child {number:02}"), Some(&top.to_string())).await;
        }
        let at = format!("/organizations/{top}");
        console.page(&at).await.says("Organizations below it (55)").says("Child 04").does_not_say("Child 05").says("All 55");
        let first = console.page(&format!("{at}/organizations")).await;
        first.says("Child 00").says("Child 24").does_not_say("Child 25");
        let second = console.page(&first.attribute("rel=\"next\" href")).await;
        second.says("Child 25").says("Child 49").does_not_say("Child 24");
        console.page(&second.attribute("rel=\"next\" href")).await.says("Child 54").does_not_say("Next");
        assert_eq!(console.get(&format!("{at}/organizations?page_token=x")).await.status, 400);
        // Too many to choose from: the parent is entered by name, at first the default one.
        console.done("/settings/edit", &[("defaultParentId", "holding")]).await.says("Default parent Holding");
        let form = console.page("/organizations/new").await;
        form.says("Enter its name or its ID.");
        assert_eq!(form.input("parentId"), Some(top.to_string()));
        let below = console.page(&format!("/organizations/new?parent={top}")).await;
        assert_eq!(below.input("parentId"), Some(top.to_string()));
        console.done("/organizations/new", &[("displayName", "New"), ("parentId", "child 07")]).await.says("Parent Child 07");
        // Templates in pages too.
        for number in 0..30 {
            template(&console, &format!("Template {number:02}")).await;
        }
        let first = console.page("/templates").await;
        first.says("Template 24").does_not_say("Template 25");
        let second = console.page(&first.attribute("rel=\"next\" href")).await;
        second.says("Template 29").does_not_say("Template 24");
        // The form of a new organization offers some, and the one that it is made from wherever that stands.
        let last = second.first_id("org_");
        let form = console.page(&format!("/organizations/new?template={last}")).await;
        form.says("These are the first 20").does_not_say("Template 24");
        assert!(form.body.contains(&format!("value=\"{last}\" checked")), "{}", form.body);
    }

    async fn metadata_that_two_people_edit_is_not_lost(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Admin, &environment).await;
        let id = organization(&console, &[("displayName", "Acme")]).await;
        let edit = format!("/organizations/{id}/metadata/edit");
        let seen = console.seen(&edit).await;
        let with = |text: &'static str| {
            let mut fields: Vec<(&str, &str)> = seen.iter().map(|(name, value)| (*name, value.as_str())).collect();
            fields.push(("metadata", text));
            fields
        };
        let first = console.post(&edit, &with(r#"{"a": 1}"#)).await;
        assert_eq!(first.status, 303, "{}", first.text());
        let second = console.post(&edit, &with(r#"{"b": 2}"#)).await;
        assert_eq!(second.status, 409);
        second.says("This was changed while you were editing");
        assert!(second.body.contains("{&quot;b&quot;: 2}"), "{}", second.body);
        console.page(&format!("/organizations/{id}")).await.does_not_say("\"b\"");
        // A setting that is not on this form is no conflict.
        let seen = console.seen(&edit).await;
        console.done(&format!("/organizations/{id}/edit"), &[("description", "Printers")]).await.says("Printers");
        let mut fields: Vec<(&str, &str)> = seen.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.push(("metadata", r#"{"c": 3}"#));
        assert_eq!(console.post(&edit, &fields).await.status, 303);
    }
}
