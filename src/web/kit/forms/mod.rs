//! Forms: fields with their hint and error, entered values kept, and a summary of the errors at the top.
//!
//! A form is a function of its values ([`FormValues`]) and its errors ([`FormErrors`]): empty, with the current
//! values of a resource, or shown again with errors. Controls have the field names that `app` uses in its
//! errors, so that each error is shown at its field.
mod control;
mod errors;
mod values;
mod view;

pub use control::{Choice, ChoiceGroup, Control, Others};
pub use errors::{FieldChange, FormErrors, sentence, told};
pub use values::{FormValues, lines};
pub use view::{Form, FormView, Offers, button_form};

#[cfg(test)]
mod tests {
    use maud::html;

    use super::*;
    use crate::app::Error;

    fn form(typed: &FormValues, errors: &FormErrors) -> String {
        let view = FormView::new(typed, errors);
        let fields = html! {
            (view.text("displayName", "Name").hint("What your customers call it"))
            (view.textarea("domains", "Domains", 4).optional())
            (view.select("alg", "Algorithm", &[("RS256", "RSA"), ("ES256", "ECDSA")]))
            (view.checkbox("primary", "Primary"))
            (view.checkboxes("kinds", "Kinds", &[Choice::new("a", "A", ""), Choice::new("b", "B", "The second")]))
            (view.password("password", "Password"))
        };
        view.render(&Form::new("/there", "Save", html! {}), fields).into_string()
    }

    #[test]
    fn what_was_typed_stays_and_is_escaped() {
        let typed = FormValues::new()
            .with("displayName", "<b>\"Acme\"</b>")
            .with("domains", "a.example\n</textarea><script>")
            .with("alg", "ES256")
            .with_flag("primary", true)
            .with("kinds", "b")
            .with("password", "hunter2");
        let html = form(&typed, &FormErrors::none());
        assert!(html.contains("value=\"&lt;b&gt;&quot;Acme&quot;&lt;/b&gt;\""), "{html}");
        assert!(html.contains("\na.example\n&lt;/textarea&gt;&lt;script&gt;</textarea>"), "{html}");
        assert!(html.contains("<option value=\"ES256\" selected>"), "{html}");
        assert!(html.contains("name=\"primary\" value=\"true\" checked"), "{html}");
        assert!(html.contains("name=\"kinds\" value=\"b\" checked"), "{html}");
        assert!(!html.contains("name=\"kinds\" value=\"a\" checked"), "{html}");
        assert!(!html.contains("hunter2") && !html.contains("role=\"alert\""), "{html}");
    }

    #[test]
    fn an_error_stands_beside_its_field_and_at_the_top() {
        let errors = FormErrors::from_error(Error::invalid("displayName", "must be <short>")).unwrap();
        let html = form(&FormValues::new(), &errors);
        assert!(html.contains("<a href=\"#displayName\">Name: Must be &lt;short&gt;.</a>"), "{html}");
        assert!(
            html.contains("aria-invalid=\"true\" aria-describedby=\"displayName-error displayName-hint\""),
            "{html}"
        );
        assert!(html.find("role=\"alert\"") < html.find("id=\"displayName\""), "{html}");

        let whole = form(
            &FormValues::new(),
            &FormErrors::from_error(Error::FailedPrecondition("first x".into())).unwrap(),
        );
        assert!(whole.contains("<li>First x.</li>"), "{whole}");
        let taken =
            FormErrors::from_error(Error::Conflict { kind: "organization", field: "externalId" }).unwrap();
        assert_eq!(taken.of("externalId"), Some("Another organization already has this."));
    }

    #[test]
    fn what_no_form_can_fix_is_a_page_of_its_own() {
        for error in [Error::not_found("x", "y"), Error::Forbidden("no".into()), Error::internal("z")] {
            assert!(FormErrors::from_error(error).is_err());
        }
    }
}
