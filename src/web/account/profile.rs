//! The profile: what the schema lets the user change, and what others write about them.

use maud::{Markup, html};
use model::user::User;
use serde_json::{Map, Value};

use super::frame::AccountFrame;
use crate::{
    app::{Error, accounts::self_service::profile::OwnProfile},
    links::path,
    web::kit::{
        error::PageError,
        forms::{Form, FormErrors, FormValues, FormView},
        schema_fields::SchemaForm,
        seen::{FormAgain, Seen},
    },
};

/// The fields of a profile.
pub struct ProfileForm {
    form: SchemaForm,
    now: Map<String, Value>,
    version: i64,
    read_only: Vec<Markup>,
}

impl ProfileForm {
    /// The fields of this user.
    pub fn new(own: &OwnProfile, user: &User) -> Self {
        let read_only = own.read_only.iter().map(|(schema, values)| {
            SchemaForm::new("read_only", "Kept about you", schema, values).facts(values)
        });
        Self {
            form: SchemaForm::new("payload", "Profile", &own.editable, &Map::new()),
            now: user.payload.clone(),
            version: user.version,
            read_only: read_only.collect(),
        }
    }

    /// What the fields hold now.
    pub fn values(&self) -> FormValues {
        self.form.values(&self.now, FormValues::new())
    }

    /// What a form of them is filled from.
    pub fn seen(&self) -> Seen {
        Seen::of(self.version, &self.values())
    }

    /// What was typed as a profile, with what stays as it is. What cannot be read is an error of its field.
    pub fn read(&self, typed: &FormValues) -> (Map<String, Value>, FormErrors) {
        self.form.read(typed, &self.now)
    }

    /// The form after `error`. Errors that no form can fix are returned.
    pub fn again(&self, error: Error, seen: Seen, typed: &FormValues) -> Result<FormAgain, PageError> {
        if let Error::InvalidFields(fields) = &error {
            let errors = fields.iter().fold(FormErrors::none(), |errors, (path, message)| {
                let (field, reason) = self.form.locate(path, message);
                if errors.of(&field).is_some() { errors } else { errors.and(&field, &reason) }
            });
            return Ok(FormAgain { seen, typed: typed.clone(), errors });
        }
        FormAgain::new(error, seen, typed, self.version, &self.values())
    }

    /// The page.
    pub fn view(
        &self,
        frame: &AccountFrame<'_>,
        seen: &Seen,
        typed: &FormValues,
        errors: &FormErrors,
    ) -> Markup {
        let view = FormView::new(typed, errors);
        let action = frame.path(path::WORKSPACE_ACCOUNT_PROFILE);
        let back = frame.path(path::WORKSPACE_ACCOUNT);
        let fields = self.form.view(&view);
        let form = Form::new(&action, "Save", html! {}).seen(seen.fields()).cancel(&back);
        let (count, _) = self.form.count();
        frame.page(
            "Profile",
            errors,
            &[],
            html! {
                section.card {
                    @if count == 0 { p.soft { "There is nothing here that you can change yourself." } }
                    @else { (view.render(&form, fields)) }
                }
                @if !self.read_only.is_empty() {
                    section.card {
                        h2 { "Kept about you" }
                        p.soft { "You see this and do not change it. If it is wrong, tell whoever manages the accounts of your organization." }
                        @for facts in &self.read_only { (facts) }
                    }
                }
            },
        )
    }
}
