//! `…/identity-schemas/new` and `…/identity-schemas/{schema}/edit`: a schema in its editor.

use actix_web::HttpResponse;
use maud::html;
use model::identity_schema::{IdentitySchema, SchemaRef};

use super::{
    list,
    page::{EDITOR, load_own, shell},
};
use crate::{
    app::{
        Error, Result,
        accounts::schemas::{self, SCHEMA_FIELD, Schema, SchemaSettings},
        permissions,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            schema_editor::{SchemaEditor, SchemaPreview},
        },
        kit::{
            error::{PageError, PageResult},
            forms::{Form, FormErrors, FormValues, FormView},
            seen::{FormAgain, Seen},
        },
    },
};

/// What a new schema begins with.
const EXAMPLE: &str = r#"{
  "type": "object",
  "properties": {
    "name": { "type": "string", "title": "Full name", "maxLength": 200 },
    "customerNumber": {
      "type": "string",
      "title": "Customer number",
      "description": "As on the invoice",
      "maxLength": 18
    }
  },
  "required": ["customerNumber"],
  "additionalProperties": false
}"#;

/// `GET …/identity-schemas/new`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::IdentityPoolsManage)?;
    new_page(&context, &FormValues::new().with(EDITOR.name, EXAMPLE), &FormErrors::none()).await
}

/// `POST …/identity-schemas/new`
pub async fn create(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::IdentityPoolsManage)?;
    let typed = FormValues::from(&*form);
    if SchemaEditor::is_preview(&form) {
        return new_page(&context, &typed, &FormErrors::none()).await;
    }
    let made = match settings(&typed) {
        Ok(settings) => schemas::create(&context.state, &context.principal, None, &settings).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(schema) => Ok(done(&context, &schema, Action::Created)),
        Err(error) => new_page(&context, &typed, &EDITOR.errors(error, SCHEMA_FIELD)?).await,
    }
}

fn settings(typed: &FormValues) -> Result<SchemaSettings> {
    Ok(SchemaSettings {
        name: typed.text("name").to_owned(),
        description: typed.text("description").to_owned(),
        schema: EDITOR.read(typed)?.unwrap_or_default(),
    })
}

fn done(context: &EnvironmentContext, schema: &IdentitySchema, action: Action) -> HttpResponse {
    let own = context.href(console::IDENTITY_SCHEMA, &[&schema.id]);
    see_other(&own, Flash(ResourceKind::IdentitySchema, action))
}

async fn new_page(context: &EnvironmentContext, typed: &FormValues, errors: &FormErrors) -> PageResult {
    let action = context.href(console::NEW_IDENTITY_SCHEMA, &[]);
    let back = context.href(console::IDENTITY_SCHEMAS, &[]);
    let form = Form::new(&action, "Create schema", context.csrf()).cancel(&back);
    let content = view("New schema", &form, &EDITOR.preview(typed).await?, typed, errors);
    Ok(shell(context, "New schema").previews().respond_with(errors.status(), content))
}

/// The form.
pub(in crate::web::console) fn view(
    title: &str,
    form: &Form<'_>,
    preview: &SchemaPreview,
    typed: &FormValues,
    errors: &FormErrors,
) -> maud::Markup {
    let view = FormView::new(typed, errors);
    let fields = html! {
        (view.text("name", "Name").hint("What you and your colleagues call it."))
        (view.text("description", "What it is for").optional())
        (EDITOR.view(&view, preview))
    };
    html! {
        h1 { (title) }
        section.card { (view.render(form, fields)) }
    }
}

fn values(schema: &IdentitySchema) -> FormValues {
    FormValues::new()
        .with("name", &schema.name)
        .with("description", &schema.description)
        .with(EDITOR.name, SchemaEditor::text(&schema.schema))
}

/// `GET …/identity-schemas/{schema}/edit`
pub async fn edit(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::IdentityPoolsManage)?;
    let schema = load_own(&context).await?;
    let typed = values(&schema);
    let seen = Seen::of(schema.version, &typed);
    edit_page(&context, schema, &FormAgain { seen, typed, errors: FormErrors::none() }).await
}

/// `POST …/identity-schemas/{schema}/edit`
pub async fn update(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::IdentityPoolsManage)?;
    let schema = load_own(&context).await?;
    // What is not sent stays as it is.
    let (seen, typed) = (Seen::posted(&form), FormValues::from(&*form).or(&values(&schema)));
    if SchemaEditor::is_preview(&form) {
        return edit_page(&context, schema, &FormAgain { seen, typed, errors: FormErrors::none() }).await;
    }
    let id = SchemaRef::Own(schema.id);
    let changed = match settings(&typed) {
        Ok(settings) => {
            schemas::replace(&context.state, &context.principal, id, Some(&seen.expected()), &settings).await
        }
        Err(error) => Err(error),
    };
    let error = match changed {
        Ok(schema) => return Ok(done(&context, &schema, Action::Saved)),
        Err(error) => error,
    };
    let schema = load_own(&context).await?;
    let again = again(error, seen, &typed, &schema)?;
    edit_page(&context, schema, &again).await
}

fn again(error: Error, seen: Seen, typed: &FormValues, now: &IdentitySchema) -> Result<FormAgain, PageError> {
    match error {
        Error::Outdated { .. } => FormAgain::new(error, seen, typed, now.version, &values(now)),
        error => Ok(FormAgain { seen, typed: typed.clone(), errors: EDITOR.errors(error, SCHEMA_FIELD)? }),
    }
}

async fn edit_page(context: &EnvironmentContext, schema: IdentitySchema, again: &FormAgain) -> PageResult {
    let action = context.href(console::EDIT_IDENTITY_SCHEMA, &[&schema.id]);
    let back = context.href(console::IDENTITY_SCHEMA, &[&schema.id]);
    let name = list::name(&Schema::Own(schema));
    let form = Form::new(&action, "Save", context.csrf()).cancel(&back).seen(again.seen.fields());
    let title = format!("Edit {name}");
    let content = view(&title, &form, &EDITOR.preview(&again.typed).await?, &again.typed, &again.errors);
    Ok(shell(context, &title).crumb(name, back).previews().respond_with(again.errors.status(), content))
}
