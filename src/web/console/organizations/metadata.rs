//! `…/organizations/{organization}/metadata/edit` and `…/metadata-schema/edit`: what programs keep with an organization, as the
//! fields of its schema; and that schema.

use actix_web::HttpResponse;
use base::id::OrganizationId;
use maud::{Markup, html};
use model::{entity_tag::EntityTags, organization::Organization};

use crate::{
    app::{
        Error, Result,
        field_values::JsonField,
        organizations::{self, OrganizationChange, error::OrganizationError, template_change},
        permissions, resource,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            resource::{ConsoleResource as _, href},
            schema_editor::{SchemaEditor, SchemaPreview},
        },
        kit::{
            components::{ButtonStyle, code_block, link_button},
            error::{PageError, PageResult},
            forms::{Form, FormErrors, FormValues, FormView},
            schema_fields::SchemaForm,
            seen::{FormAgain, Seen},
        },
    },
};

/// The field of the metadata, and the beginning of the names of its fields.
const METADATA: &str = "metadata";
/// The editor of the schema.
pub(in crate::web::console) const EDITOR: SchemaEditor = SchemaEditor {
    name: "metadataSchema",
    label: "JSON Schema",
    hint: "Draft 2020-12. Metadata that is saved from now on must match it; what is stored already stays.",
    optional: true,
};

/// The fields of an organization's metadata, by its schema.
pub(in crate::web::console) fn schema_form(organization: &Organization) -> SchemaForm {
    let (schema, current) = (organization.metadata_schema.to_map(), organization.metadata.to_map());
    SchemaForm::new(METADATA, "Metadata", &schema, &current)
}

async fn load(context: &EnvironmentContext) -> Result<Organization, PageError> {
    context.require(permissions::Action::OrganizationsManage)?;
    let id: OrganizationId = context.id("organization")?;
    Ok(resource::find(&context.state, &context.principal, id).await?)
}

async fn load_customer(context: &EnvironmentContext) -> Result<Organization, PageError> {
    let organization = load(context).await?;
    match organization.template {
        true => Err(PageError(OrganizationError::IsTemplate("metadata of its own").into())),
        false => Ok(organization),
    }
}

/// `GET …/metadata/edit`
pub async fn edit(context: EnvironmentContext) -> PageResult {
    let organization = load_customer(&context).await?;
    let values = values(&organization);
    let seen = Seen::of(organization.version, &values);
    Ok(page(&context, &organization, &seen, &values, &FormErrors::none()))
}

/// `POST …/metadata/edit`
pub async fn update(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let organization = load_customer(&context).await?;
    let (seen, typed) = (Seen::posted(&form), FormValues::from(&*form));
    let fields = schema_form(&organization);
    let (metadata, errors) = fields.read(&typed, &organization.metadata.to_map());
    if !errors.is_empty() {
        return Ok(page(&context, &organization, &seen, &typed, &errors));
    }
    let expected = expected(&seen, &organization, &values(&organization));
    let change = OrganizationChange { metadata: Some(JsonField(metadata)), ..OrganizationChange::default() };
    let (state, principal) = (&context.state, &context.principal);
    match organizations::update(state, principal, organization.id, Some(&expected), &change).await {
        Ok(saved) => {
            let flash = Flash(ResourceKind::OrganizationMetadata, Action::Saved);
            Ok(see_other(&href(&context, &saved), flash))
        }
        Err(Error::Organization(OrganizationError::MetadataViolations(violations))) => {
            let errors = violations.iter().fold(FormErrors::none(), |errors, violation| {
                let (field, reason) =
                    fields.locate(&format!("{METADATA}{}", violation.path), &violation.message);
                // One reason a field: the others follow from it, or come when it is gone.
                if errors.of(&field).is_some() { errors } else { errors.and(&field, &reason) }
            });
            Ok(page(&context, &organization, &seen, &typed, &errors))
        }
        Err(error) => {
            let organization = load_customer(&context).await?;
            let again = FormAgain::new(error, seen, &typed, organization.version, &values(&organization))?;
            Ok(page(&context, &organization, &again.seen, &again.typed, &again.errors))
        }
    }
}

/// The version that a change is made from: what somebody else changed may not be on the form.
fn expected(seen: &Seen, organization: &Organization, values: &FormValues) -> EntityTags {
    match seen.still_holds(values) {
        true => Seen::of(organization.version, seen.values()).expected(),
        false => seen.expected(),
    }
}

fn values(organization: &Organization) -> FormValues {
    schema_form(organization).values(&organization.metadata.to_map(), FormValues::new())
}

fn page(
    context: &EnvironmentContext,
    organization: &Organization,
    seen: &Seen,
    typed: &FormValues,
    errors: &FormErrors,
) -> HttpResponse {
    let action = context.href(console::EDIT_ORGANIZATION_METADATA, &[&organization.id]);
    let (back, title) = (href(context, organization), format!("Metadata of {}", organization.name()));
    let form = Form::new(&action, "Save", context.csrf()).cancel(&back).seen(seen.fields());
    let schema = context.href(console::EDIT_METADATA_SCHEMA, &[&organization.id]);
    let content = metadata_view(organization, &title, &form, &schema, typed, errors);
    context
        .shell(organization.section(), &title)
        .crumb(organization.name(), &back)
        .respond_with(errors.status(), content)
}

/// The form of the metadata.
pub(in crate::web::console) fn metadata_view(
    organization: &Organization,
    title: &str,
    form: &Form<'_>,
    schema: &str,
    typed: &FormValues,
    errors: &FormErrors,
) -> Markup {
    let (fields, view) = (schema_form(organization), FormView::new(typed, errors));
    html! {
        div.head-row {
            h1 { (title) }
            div.actions { (link_button(ButtonStyle::Plain, "Edit the schema", schema)) }
        }
        p.soft {
            "What your programs keep with this customer."
            @if organization.metadata_schema.is_empty() { " It has no schema: any JSON object will do." }
            @else { " The fields are those of its schema." }
        }
        section.card { (view.render(form, fields.view(&view))) }
    }
}

/// `GET …/metadata-schema/edit`
pub async fn edit_schema(context: EnvironmentContext) -> PageResult {
    let organization = load(&context).await?;
    let values = schema_values(&organization);
    let seen = Seen::of(organization.version, &values);
    schema_page(&context, &organization, &seen, &values, &FormErrors::none()).await
}

/// `POST …/metadata-schema/edit`
pub async fn update_schema(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let organization = load(&context).await?;
    let (seen, typed) = (Seen::posted(&form), FormValues::from(&*form));
    if SchemaEditor::is_preview(&form) {
        return schema_page(&context, &organization, &seen, &typed, &FormErrors::none()).await;
    }
    let expected = expected(&seen, &organization, &schema_values(&organization));
    match change_schema(&context, &organization, &expected, &typed).await {
        Ok(saved) => {
            Ok(see_other(&href(&context, &saved), Flash(ResourceKind::MetadataSchema, Action::Saved)))
        }
        Err(error) => {
            let organization = load(&context).await?;
            let current = schema_values(&organization);
            let again = FormAgain::new(error, seen, &typed, organization.version, &current)?;
            schema_page(&context, &organization, &again.seen, &again.typed, &again.errors).await
        }
    }
}

async fn change_schema(
    context: &EnvironmentContext,
    organization: &Organization,
    expected: &EntityTags,
    typed: &FormValues,
) -> Result<Organization> {
    let schema = JsonField(EDITOR.read(typed)?.unwrap_or_default());
    let change = OrganizationChange { metadata_schema: Some(schema), ..OrganizationChange::default() };
    let (state, principal, id) = (&context.state, &context.principal, organization.id);
    match organization.template {
        true => template_change::update(state, principal, id, Some(expected), &change).await,
        false => organizations::update(state, principal, id, Some(expected), &change).await,
    }
}

fn schema_values(organization: &Organization) -> FormValues {
    let schema = match organization.metadata_schema.is_empty() {
        true => String::new(),
        false => SchemaEditor::text(&organization.metadata_schema.to_map()),
    };
    FormValues::new().with(EDITOR.name, schema)
}

async fn schema_page(
    context: &EnvironmentContext,
    organization: &Organization,
    seen: &Seen,
    typed: &FormValues,
    errors: &FormErrors,
) -> PageResult {
    let action = context.href(console::EDIT_METADATA_SCHEMA, &[&organization.id]);
    let (back, title) = (href(context, organization), format!("Metadata schema of {}", organization.name()));
    let form = Form::new(&action, "Save", context.csrf()).cancel(&back).seen(seen.fields());
    let preview = EDITOR.preview(typed).await?;
    let content = schema_view(organization, &title, &form, typed, errors, &preview);
    Ok(context
        .shell(organization.section(), &title)
        .crumb(organization.name(), &back)
        .previews()
        .respond_with(errors.status(), content))
}

/// An example of a schema.
const EXAMPLE: &str = r#"{
  "type": "object",
  "required": ["crmId"],
  "properties": {
    "crmId": { "type": "string", "title": "CRM id", "maxLength": 18 },
    "plan": { "enum": ["free", "pro"], "title": "Plan" }
  }
}"#;

/// The form of the schema, and beside it that of the metadata as the schema makes it.
pub(in crate::web::console) fn schema_view(
    organization: &Organization,
    title: &str,
    form: &Form<'_>,
    typed: &FormValues,
    errors: &FormErrors,
    preview: &SchemaPreview,
) -> Markup {
    let view = FormView::new(typed, errors);
    let fields = EDITOR.view(&view, preview);
    html! {
        h1 { (title) }
        p.soft {
            @if organization.template { "Organizations that are made from this template get a copy." }
            @else { "It says what your programs keep with this customer, and makes the form in which people edit it." }
        }
        section.card { (view.render(form, fields)) }
        details {
            summary { "An example" }
            (code_block("Two fields, one of them required", EXAMPLE))
        }
    }
}
