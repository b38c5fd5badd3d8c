//! The JSON objects of a user in a form, by the schemas of their pool.

use maud::{Markup, html};
use model::{identity_pool::IdentityPool, user::User};
use serde_json::Map;

use crate::{
    app::{
        Result,
        accounts::users::{self, Profile, ProfileSchemas},
    },
    web::{
        console::kit::context::EnvironmentContext,
        kit::{
            forms::{FormErrors, FormValues, FormView},
            schema_fields::SchemaForm,
        },
    },
};

/// The objects of a user: what they are now, and their fields.
pub(in crate::web::console) struct ProfileForm {
    now: [Map<String, serde_json::Value>; 3],
    payload: SchemaForm,
    /// Not for an organization's own administrator.
    metadata: Option<SchemaForm>,
    /// Not where the pool has no schema for it, and the user none of it.
    business_metadata: Option<SchemaForm>,
}

impl ProfileForm {
    /// The form of a user, or of a new one.
    pub fn new(schemas: &ProfileSchemas, user: Option<&User>) -> Self {
        let now = user.map_or_else(Default::default, |user| {
            [user.payload.clone(), user.metadata.clone(), users::business_metadata_of(user)]
        });
        let [payload, metadata, business] = &now;
        let anything = Map::new();
        let has_business = schemas.business_metadata.is_some() || !business.is_empty();
        let of_business = schemas.business_metadata.as_ref().unwrap_or(&anything);
        Self {
            payload: SchemaForm::new("payload", "Profile", &schemas.payload, payload),
            metadata: Some(SchemaForm::new("metadata", "Metadata", &schemas.metadata, metadata)),
            business_metadata: has_business
                .then(|| SchemaForm::new("business_metadata", "Business metadata", of_business, business)),
            now,
        }
    }

    /// [`ProfileForm::new`] of a pool.
    pub async fn of_pool(
        context: &EnvironmentContext,
        pool: &IdentityPool,
        user: Option<&User>,
    ) -> Result<Self> {
        let all = Self::new(&users::schemas(&context.state, &context.principal, pool).await?, user);
        Ok(Self { metadata: all.metadata.filter(|_| context.delegate().is_none()), ..all })
    }

    /// What the fields hold now, added to other values.
    pub fn values(&self, values: FormValues) -> FormValues {
        let [payload, metadata, business] = &self.now;
        let values = self.payload.values(payload, values);
        let values = self.metadata.iter().fold(values, |values, form| form.values(metadata, values));
        self.business_metadata.iter().fold(values, |values, form| form.values(business, values))
    }

    /// What was typed as a profile. What cannot be read, or does not fit the schemas, is an error of its field.
    pub async fn read(
        &self,
        context: &EnvironmentContext,
        pool: &IdentityPool,
        typed: &FormValues,
    ) -> Result<(Profile, FormErrors)> {
        let [payload, metadata, business] = &self.now;
        let (payload, errors) = self.payload.read(typed, payload);
        let (metadata, more) = self.metadata.as_ref().map(|form| form.read(typed, metadata)).unzip();
        let errors = more.iter().fold(errors, join);
        let read = self.business_metadata.as_ref().map(|form| form.read(typed, business));
        let (business_metadata, more) = read.unzip();
        let errors = more.iter().fold(errors, join);
        let profile = Profile::new(Some(payload), metadata, business_metadata);
        if !errors.is_empty() {
            return Ok((profile, errors));
        }
        let violations = users::violations(&context.state, &context.principal, pool, &profile).await?;
        let errors = violations.iter().fold(errors, |errors, violation| {
            let (field, reason) = self.locate(&violation.path, &violation.message);
            // One reason a field: the others follow from it, or come when it is gone.
            if errors.of(&field).is_some() { errors } else { errors.and(&field, &reason) }
        });
        Ok((profile, errors))
    }

    fn locate(&self, path: &str, message: &str) -> (String, String) {
        let forms = [Some(&self.payload), self.metadata.as_ref(), self.business_metadata.as_ref()];
        let own = forms.into_iter().flatten().find(|form| form.owns(path));
        own.map_or_else(|| (path.to_owned(), message.to_owned()), |form| form.locate(path, message))
    }

    /// The fields: the profile, and folded what others write about the user.
    pub fn view(&self, view: &FormView<'_>) -> Markup {
        html! {
            (self.payload.view(view))
            @if let Some(form) = &self.metadata {
                (folded(view, form, "Metadata", "What you and your programs keep about the user. The user does not change it."))
            }
            @if let Some(form) = &self.business_metadata {
                (folded(view, form, "Business metadata", "What the administrators of the organization keep about the user."))
            }
        }
    }

    /// The profile for readers, if there is one.
    pub fn profile_facts(&self) -> Option<Markup> {
        let [payload, ..] = &self.now;
        (!payload.is_empty()).then(|| self.payload.facts(payload))
    }

    /// What others write about the user, for readers: titles and values.
    pub fn other_facts(&self) -> Vec<(&'static str, Markup)> {
        let [_, metadata, business] = &self.now;
        let mut found = Vec::new();
        if let Some(form) = self.metadata.as_ref().filter(|_| !metadata.is_empty()) {
            found.push(("Metadata", form.facts(metadata)));
        }
        if let Some(form) = self.business_metadata.as_ref().filter(|_| !business.is_empty()) {
            found.push(("Business metadata", form.facts(business)));
        }
        found
    }
}

fn folded(view: &FormView<'_>, form: &SchemaForm, title: &str, hint: &str) -> Markup {
    let fields = form.view(view);
    html! {
        details open[form.wants_attention(view)] {
            summary { (title) }
            div.stack { p.soft { (hint) } (fields) }
        }
    }
}

fn join(errors: FormErrors, more: &FormErrors) -> FormErrors {
    more.all().fold(errors, |errors, (field, reason)| errors.and(field, reason))
}
