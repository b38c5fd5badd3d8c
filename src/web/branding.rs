//! The vendor's colours and logo, served as files that branded pages link to.

use actix_web::{HttpResponse, http::header, web};
use base::id::EnvironmentId;
use model::{branding::Branding, color::Color};

use super::kit::error::{self, Area};
use crate::app::{self, Error, State};

/// How long a browser keeps a file whose address changes with its content.
const CACHED: &str = "public, max-age=31536000, immutable";

/// The backgrounds behind links in the light scheme (`assets/ostiary.css`).
const LIGHT_BACKGROUNDS: [Color; 3] =
    [Color::rgb(0xff, 0xff, 0xff), Color::rgb(0xf5, 0xf6, 0xf8), Color::rgb(0xee, 0xf0, 0xf4)];

/// The backgrounds behind links in the dark scheme.
const DARK_BACKGROUNDS: [Color; 3] =
    [Color::rgb(0x19, 0x1d, 0x26), Color::rgb(0x10, 0x13, 0x1a), Color::rgb(0x22, 0x27, 0x33)];

/// The stylesheet of an accent colour. Buttons use the exact colour, with a readable text colour; links and
/// lines use it changed as little as makes it readable on the page.
pub fn stylesheet(branding: &Branding) -> String {
    let Some(accent) = branding.accent_color else { return String::new() };
    let light = scheme_variables(accent, LIGHT_BACKGROUNDS, Color::WHITE, Color::BLACK);
    let dark = scheme_variables(accent, DARK_BACKGROUNDS, Color::rgb(0x19, 0x1d, 0x26), Color::WHITE);
    let ink = accent.contrasting_text();
    let hover = (1..=15)
        .rev()
        .map(|percent| accent.mixed(if ink == Color::WHITE { Color::BLACK } else { Color::WHITE }, percent))
        .next()
        .unwrap_or(accent);
    format!(
        ":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n\
         .button.primary{{background:{accent};color:{ink};border-color:{accent}}}\n\
         .button.primary:hover{{background:{hover};color:{ink};border-color:{hover}}}\n"
    )
}

fn scheme_variables(accent: Color, backgrounds: [Color; 3], surface: Color, end: Color) -> String {
    let wash = surface.mixed(accent, 8);
    let ink = accent.readable_on(&[backgrounds[0], backgrounds[1], backgrounds[2], wash], end);
    let strong = ink.mixed(end, 25);
    format!(
        "--accent:{ink};--accent-strong:{strong};--accent-wash:{wash};--on-accent:{}",
        ink.contrasting_text()
    )
}

/// `GET /branding/{environment}/style.css`
pub async fn style(state: web::Data<State>, environment: web::Path<String>) -> HttpResponse {
    let Ok(id) = environment.parse::<EnvironmentId>() else { return HttpResponse::NotFound().finish() };
    match app::environments::branding::of_environment(&state, id).await {
        Ok(branding) => HttpResponse::Ok()
            .content_type("text/css; charset=utf-8")
            .insert_header((header::CACHE_CONTROL, CACHED))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .body(stylesheet(&branding)),
        Err(error) => failed(&error),
    }
}

/// `GET /branding/{environment}/logo`: served as an image only, because the upload is untrusted.
pub async fn logo(state: web::Data<State>, environment: web::Path<String>) -> HttpResponse {
    let Ok(id) = environment.parse::<EnvironmentId>() else { return HttpResponse::NotFound().finish() };
    match app::environments::branding::logo(&state, id).await {
        Ok((facts, bytes)) => HttpResponse::Ok()
            .content_type(facts.kind.media_type())
            .insert_header((header::CACHE_CONTROL, CACHED))
            .insert_header((header::ETAG, format!("\"{}\"", facts.sha256)))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
            .insert_header((header::CONTENT_DISPOSITION, "inline; filename=\"logo\""))
            .body(bytes),
        Err(error) => failed(&error),
    }
}

fn failed(error: &Error) -> HttpResponse {
    match error {
        Error::NotFound { .. } => HttpResponse::NotFound().finish(),
        error => {
            error::log_internal_error(error);
            error::respond(error, Area::Login, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::id::Id;

    #[test]
    fn whatever_the_colour_its_words_can_be_read() {
        for text in ["#ffcc00", "#1f4fc4", "#000000", "#ffffff", "#ff0000", "#7f7f7f", "#00ff88"] {
            let accent = Color::parse(text).unwrap();
            let branding = Branding { accent_color: Some(accent), ..Branding::empty(Id::from_bits(1)) };
            let css = stylesheet(&branding);
            let values = |name: &str| {
                css.split(&format!("{name}:"))
                    .skip(1)
                    .map(|rest| Color::parse(&rest[..7]).unwrap())
                    .collect::<Vec<_>>()
            };
            for (at, backgrounds) in [LIGHT_BACKGROUNDS, DARK_BACKGROUNDS].iter().enumerate() {
                let (ink, wash) = (values("--accent")[at], values("--accent-wash")[at]);
                for background in backgrounds.iter().chain([&wash]) {
                    assert!(ink.contrast(*background) >= 4.5, "{text}: {ink} on {background}");
                    assert!(values("--accent-strong")[at].contrast(*background) >= 4.5, "{text}");
                }
                assert!(ink.contrast(values("--on-accent")[at]) >= 4.5, "{text}");
            }
            let button = css.split(".button.primary{").nth(1).unwrap();
            assert!(
                button.starts_with(&format!("background:{text};color:{}", accent.contrasting_text())),
                "{css}"
            );
        }
        assert_eq!(stylesheet(&Branding::empty(Id::from_bits(1))), "");
    }
}
