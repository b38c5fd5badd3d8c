//! The forms by which metadata comes in: URL, document, values.

use maud::{Markup, html};

use crate::web::{
    kit::forms::{Form, FormErrors, FormValues, FormView},
    setup::providers::provider::MetadataSource,
};

/// The ways to give metadata, each a form of its own. The first one is visible, and one that was sent is open.
pub fn metadata_forms(
    ways: &[MetadataSource],
    action: &str,
    typed: &FormValues,
    errors: &FormErrors,
    csrf: &Markup,
) -> Markup {
    let sent = typed.text("way");
    html! {
        div.ways {
            @for (at, way) in ways.iter().enumerate() {
                @let open = if sent.is_empty() { at == 0 } else { sent == source_name(*way) };
                @let form = way_form(*way, action, typed, errors, csrf, sent == source_name(*way));
                @if at == 0 { (form) } @else {
                    details open[open] { summary { (summary(*way)) } (form) }
                }
            }
        }
    }
}

/// The name of a way in the form.
pub fn source_name(way: MetadataSource) -> &'static str {
    match way {
        MetadataSource::Url => "url",
        MetadataSource::File => "file",
        MetadataSource::Values => "values",
    }
}

fn summary(way: MetadataSource) -> &'static str {
    match way {
        MetadataSource::Url => "Or give the metadata’s address",
        MetadataSource::File => "Or upload the metadata file",
        MetadataSource::Values => "Or enter single values",
    }
}

fn way_form(
    way: MetadataSource,
    action: &str,
    typed: &FormValues,
    errors: &FormErrors,
    csrf: &Markup,
    sent: bool,
) -> Markup {
    let none = FormErrors::none();
    let view = FormView::new(typed, if sent { errors } else { &none });
    let fields = html! {
        input type="hidden" name="way" value=(source_name(way));
        @match way {
            MetadataSource::Url => (view.url("idpMetadataUrl", "Metadata address").code().hint("It begins with https://")),
            MetadataSource::File => (view.file("idpMetadata", "Metadata file", ".xml,application/xml,text/xml,application/samlmetadata+xml")),
            MetadataSource::Values => {
                (view.text("idpEntityId", "Entity ID").code().hint("Also called Issuer or Identifier"))
                (view.url("idpRedirectUrl", "Sign-on URL").code().hint("Also called SSO URL, Login URL or Single sign-on service"))
                (view.textarea("idpCertificate", "Signing certificate", 6).hint("The text of the certificate, with or without its BEGIN and END lines"))
            },
        }
    };
    let submit = match way {
        MetadataSource::Url => "Fetch and continue",
        MetadataSource::File => "Upload and continue",
        MetadataSource::Values => "Save and continue",
    };
    let form = Form::new(action, submit, csrf.clone());
    let form = if way == MetadataSource::File { form.multipart() } else { form };
    view.render(&form, fields)
}
