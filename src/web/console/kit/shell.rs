//! The layout around every page of the console: environment switcher, navigation, account menu,
//! breadcrumbs and flash message.
//!
//! The menus are `details` elements and need no script; on narrow screens the navigation is a popover.

use actix_web::{HttpResponse, http::StatusCode};
use base::id::EnvironmentId;
use maud::{Markup, PreEscaped, html};
use model::administrator::Role;

use super::flash::{self, Flash};
use crate::{
    app::authorization_server::sign_in::appearance::Appearance,
    links::{self, console, path},
    web::kit::{
        assets::{self, Asset},
        components::{ButtonStyle, Icon, brand_mark, button, shape},
        layout,
        response::{self, PagePolicy},
    },
};

macro_rules! sections {
    ($($(#[$doc:meta])* $variant:ident $label:literal $path:ident $icon:literal;)*) => {
        /// A section of an environment in the navigation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Section { $($(#[$doc])* $variant,)* }

        impl Section {
            const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The label in the navigation.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }

            const fn path(self) -> &'static str {
                match self { $(Self::$variant => console::$path,)* }
            }

            const fn icon_svg(self) -> &'static str {
                match self { $(Self::$variant => $icon,)* }
            }
        }
    };
}

sections! {
    /// Login statistics and problems.
    Overview "Overview" OVERVIEW "<path d='M2 14V8M6 14V3M10 14V6M14 14v-4'/>";
    /// The vendor's customers.
    Organizations "Organizations" ORGANIZATIONS "<path d='M2.5 14V3.5l6-1.5v12M8.5 6.5l5 1V14M1 14h14M5 5.5h1M5 8.5h1M5 11.5h1M11 9.5h.5M11 11.8h.5'/>";
    /// What organizations are made from.
    Templates "Templates" TEMPLATES "<rect x='2' y='2' width='9' height='9' rx='1.2'/><path d='M5 14h7.8a1.2 1.2 0 001.2-1.2V5M4.5 5h4M4.5 8h2.5'/>";
    /// Users of the environment's own.
    Users "Users" USERS "<circle cx='8' cy='5' r='3'/><path d='M2.5 14.5c0-3.5 2.3-5 5.5-5s5.5 1.5 5.5 5'/>";
    /// Logins, one by one.
    Flows "Login flows" FLOWS "<path d='M3 8h7M7 5l3 3-3 3M10 2h4v12h-4'/>";
    /// SCIM directories.
    Directories "Directories" SCIM_DIRECTORIES "<circle cx='6' cy='5.5' r='2.5'/><path d='M1.5 14c0-3 2-4.5 4.5-4.5s4.5 1.5 4.5 4.5M11 3.2a2.5 2.5 0 010 4.6M12 9.8c1.6.5 2.6 1.9 2.6 4.2'/>";
    /// Letters to people.
    Letters "Letters" LETTERS "<rect x='1.5' y='3' width='13' height='10' rx='1.5'/><path d='M2 4l6 5 6-5'/>";
    /// Webhooks.
    Webhooks "Webhooks" WEBHOOKS "<path d='M2 8h5M9 8h5M5.5 4.5L2 8l3.5 3.5M10.5 4.5L14 8l-3.5 3.5'/>";
    /// The event feed.
    Events "Events" EVENTS "<path d='M2 4h12M2 8h12M2 12h7'/>";
    /// The audit log.
    Audit "Audit log" AUDIT_EVENTS "<path d='M4 1.5h6l3 3v10H4zM6.5 7h4M6.5 10h4'/>";
    /// The environment's settings.
    Environment "Environment" ENVIRONMENT "<circle cx='8' cy='8' r='2.2'/><path d='M8 1.5v2.3M8 12.2v2.3M1.5 8h2.3M12.2 8h2.3M3.4 3.4L5 5M11 11l1.6 1.6M12.6 3.4L11 5M5 11l-1.6 1.6'/>";
    /// API keys of the vendor's backend.
    ApiKeys "API keys" API_KEYS "<circle cx='5' cy='8' r='3'/><path d='M8 8h6.5M12 8v3'/>";
    /// OpenID Connect clients.
    OauthClients "OAuth clients" OAUTH_CLIENTS "<rect x='2' y='2.5' width='12' height='11' rx='1.5'/><path d='M2 6h12'/>";
    /// Clients of the environment's own issuers.
    Applications "Applications" APPLICATIONS "<rect x='2' y='2' width='5' height='5' rx='1'/><rect x='9' y='2' width='5' height='5' rx='1'/><rect x='2' y='9' width='5' height='5' rx='1'/><rect x='9' y='9' width='5' height='5' rx='1'/>";
    /// What people may do, in organizations and applications.
    Roles "Roles" ROLES "<circle cx='8' cy='4.6' r='2.6'/><path d='M3.5 14.5v-1c0-2.4 2-4 4.5-4s4.5 1.6 4.5 4v1M6 12l1.5 1.5L10.5 11'/>";
    /// Stores of accounts, and what the profiles in them look like.
    IdentityPools "Identity pools" IDENTITY_POOLS "<ellipse cx='8' cy='3.8' rx='5.5' ry='2.3'/><path d='M2.5 3.8v8.4c0 1.3 2.5 2.3 5.5 2.3s5.5-1 5.5-2.3V3.8M2.5 8c0 1.3 2.5 2.3 5.5 2.3s5.5-1 5.5-2.3'/>";
    /// Name, colour and logo on pages for customers.
    Branding "Branding" BRANDING "<path d='M8 1.8c3 3.4 4.6 5.6 4.6 7.9a4.6 4.6 0 01-9.2 0C3.4 7.4 5 5.2 8 1.8z'/>";
    /// Administrators and their roles.
    Administrators "Administrators" ADMINISTRATORS "<path d='M8 1.5l5.5 2v4c0 3.5-2.3 5.8-5.5 7-3.2-1.2-5.5-3.5-5.5-7v-4z'/>";
}

impl Section {
    /// The section's path in an environment.
    pub fn href(self, environment: EnvironmentId) -> String {
        links::expand(self.path(), &[&environment])
    }

    const fn is_setting(self) -> bool {
        matches!(
            self,
            Self::Environment
                | Self::ApiKeys
                | Self::OauthClients
                | Self::Applications
                | Self::Roles
                | Self::IdentityPools
                | Self::Branding
                | Self::Administrators
        )
    }
}

/// An environment in the switcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentLink {
    /// Its id.
    pub id: EnvironmentId,
    /// Its display name, or its slug if it has none.
    pub name: String,
}

/// What the shell shows around a page, loaded once a request.
#[derive(Debug, Clone)]
pub struct PageFrame {
    /// The administrator's e-mail address.
    pub email: String,
    /// The hidden field with the CSRF token.
    pub csrf: Markup,
    /// The page's environment, and the name of the administrator's role in it.
    pub environment: Option<(EnvironmentLink, &'static str)>,
    /// The first few environments in which the administrator has a role.
    pub others: Vec<EnvironmentLink>,
    /// The result of the previous request.
    pub flash: Option<Flash>,
    /// A banner that this is a test installation.
    pub banner: Option<&'static str>,
    /// Around the pages of an organization's own administrator.
    pub delegated: Option<DelegatedFrame>,
}

/// What the shell shows to an organization's own administrator: their organization, and of the console what they may use. Our
/// name is not there (customers see it).
#[derive(Debug, Clone)]
pub struct DelegatedFrame {
    /// The vendor's branding.
    pub appearance: Appearance,
    /// The path of their first page.
    pub home: String,
    /// The path of their own account, and of the form that signs them out.
    pub account: (String, String),
    /// The pages that they may use: label, path, icon, and whether this is one of them.
    pub sections: Vec<DelegatedSection>,
}

/// A page in the navigation of an organization's own administrator.
#[derive(Debug, Clone)]
pub struct DelegatedSection {
    /// The label.
    pub label: &'static str,
    /// Its path.
    pub href: String,
    /// Whose icon it has.
    pub icon: Section,
    /// Whether it is the page, or one below it.
    pub is_current: bool,
}

/// A page of the console.
pub struct Shell<'a> {
    frame: &'a PageFrame,
    section: Option<Section>,
    title: &'a str,
    crumbs: Vec<(String, String)>,
    scripts: Vec<&'static Asset>,
    policy: PagePolicy,
}

impl<'a> Shell<'a> {
    /// A page in a section of the environment.
    pub fn new(frame: &'a PageFrame, section: Section, title: &'a str) -> Self {
        let mut shell = Self::without_environment(frame, title);
        if let Some((environment, _)) = &frame.environment {
            shell.crumbs.push((section.label().to_owned(), section.href(environment.id)));
        }
        Self { section: Some(section), ..shell }
    }

    /// A page outside any environment: the list of environments, the account.
    pub fn without_environment(frame: &'a PageFrame, title: &'a str) -> Self {
        Self {
            frame,
            section: None,
            title,
            crumbs: Vec::new(),
            scripts: vec![&assets::COPY],
            policy: PagePolicy::SameOriginForms,
        }
    }

    /// Adds a breadcrumb between the section and this page.
    pub fn crumb(mut self, name: impl Into<String>, href: impl Into<String>) -> Self {
        self.crumbs.push((name.into(), href.into()));
        self
    }

    /// Lets a form of the page start a login, which redirects to another site: omits `form-action`.
    pub fn begins_login(self) -> Self {
        Self { policy: PagePolicy::AnyFormTarget, ..self }
    }

    /// Adds a script to the one for copy buttons.
    pub fn script(mut self, script: &'static Asset) -> Self {
        self.scripts.push(script);
        self
    }

    /// Adds the script that keeps previews up to date, and lets it post to our own origin.
    pub fn previews(mut self) -> Self {
        self.scripts.push(&assets::PREVIEW);
        Self { policy: PagePolicy::SameOriginFormsAndFetch, ..self }
    }

    /// The page as a response. Clears the flash message that it shows.
    pub fn respond(&self, content: Markup) -> HttpResponse {
        self.respond_with(StatusCode::OK, content)
    }

    /// [`Self::respond`] with another status, for a form with errors.
    pub fn respond_with(&self, status: StatusCode, content: Markup) -> HttpResponse {
        let mut response = response::page(status, self.policy, self.render(content));
        if self.frame.flash.is_some() {
            flash::clear(&mut response);
        }
        response
    }

    /// The whole document.
    pub fn render(&self, content: Markup) -> Markup {
        if let Some(delegated) = &self.frame.delegated {
            return self.render_delegated(delegated, content);
        }
        let place = match &self.frame.environment {
            Some((environment, _)) => format!("{} · {} · Ostiary", self.title, environment.name),
            None => format!("{} · Ostiary", self.title),
        };
        let has_sections = self.frame.environment.is_some();
        layout::document(
            &place,
            &self.scripts,
            html! {
                a.skip href="#content" { "Skip to content" }
                @if let Some(banner) = self.frame.banner { (layout::banner(banner)) }
                header.topbar {
                    @if has_sections {
                        button.menu-button type="button" popovertarget="sections" aria-label="Sections" {
                            (icon("<path d='M2 4h12M2 8h12M2 12h12'/>"))
                        }
                    }
                    a.name href=(console::HOME) { (brand_mark()) span.word { "Ostiary" } }
                    (self.switcher())
                    (self.account())
                }
                div class=(if has_sections { "frame" } else { "frame alone" }) {
                    @if let Some((environment, _)) = &self.frame.environment { (self.sections(environment.id)) }
                    main #content tabindex="-1" {
                        (self.breadcrumbs())
                        @if let Some(flash) = self.frame.flash {
                            p.flash role="status" { (shape(Icon::Good)) (flash.sentence()) }
                        }
                        @if self.frame.environment.as_ref().is_some_and(|(_, role)| *role == Role::Viewer.as_str()) {
                            p.small.soft { "Your role here is viewer: you see everything and change nothing. An owner can give you another." }
                        }
                        (content)
                    }
                }
            },
        )
    }

    /// The document of an organization's own administrator.
    fn render_delegated(&self, frame: &DelegatedFrame, content: Markup) -> Markup {
        let Appearance { branding, application, organization } = &frame.appearance;
        let logo = branding.logo.as_ref();
        let logo = logo.map(|logo| links::branding_logo(branding.environment_id, &logo.sha256));
        layout::document(
            &format!("{} · {organization} · {application}", self.title),
            &self.scripts,
            html! {
                a.skip href="#content" { "Skip to content" }
                @if let Some(banner) = self.frame.banner { (layout::banner(banner)) }
                header.topbar {
                    button.menu-button type="button" popovertarget="sections" aria-label="Sections" {
                        (icon("<path d='M2 4h12M2 8h12M2 12h12'/>"))
                    }
                    a.name href=(frame.home) {
                        @match logo {
                            Some(logo) => img src=(logo) alt=(application);,
                            None => span.word { (application) },
                        }
                    }
                    span.cut { (organization) }
                    (self.account_menu(&frame.account.0, &frame.account.1))
                }
                div.frame {
                    nav #sections.sections popover="auto" aria-label="Sections" {
                        ul {
                            @for section in &frame.sections {
                                li {
                                    a href=(section.href) aria-current=[section.is_current.then_some("page")] {
                                        (icon(section.icon.icon_svg())) (section.label)
                                    }
                                }
                            }
                        }
                    }
                    main #content tabindex="-1" {
                        (self.breadcrumbs())
                        @if let Some(flash) = self.frame.flash {
                            p.flash role="status" { (shape(Icon::Good)) (flash.sentence()) }
                        }
                        (content)
                    }
                }
            },
        )
    }

    fn switcher(&self) -> Markup {
        let Some((current, role)) = &self.frame.environment else { return html! {} };
        html! {
            details.menu.switcher {
                summary aria-label={ "Environment: " (current.name) } { span.cut { (current.name) } (chevron()) }
                div.sheet {
                    p.eyebrow { "Environment" }
                    ul {
                        li { a href=(Section::Overview.href(current.id)) aria-current="true" { span.cut { (current.name) } small { (role) } } }
                        @for other in self.frame.others.iter().filter(|other| other.id != current.id) {
                            li { a href=(Section::Overview.href(other.id)) { span.cut { (other.name) } } }
                        }
                    }
                    a.all href=(console::HOME) { "All environments" }
                }
            }
        }
    }

    fn account(&self) -> Markup {
        self.account_menu(console::ACCOUNT, path::CONSOLE_SIGN_OUT)
    }

    /// The menu of whoever is signed in, with these paths of their account and of its sign-out.
    fn account_menu(&self, account: &str, sign_out: &str) -> Markup {
        html! {
            details.menu.account {
                summary aria-label={ "Account: " (self.frame.email) } {
                    (icon("<circle cx='8' cy='5' r='3'/><path d='M2.5 14.5c0-3.5 2.3-5 5.5-5s5.5 1.5 5.5 5'/>"))
                    span.cut.word { (self.frame.email) }
                    (chevron())
                }
                div.sheet {
                    p.eyebrow { (self.frame.email) }
                    ul { li { a href=(account) { "Account and sessions" } } }
                    form method="post" action=(sign_out) {
                        (self.frame.csrf)
                        (button(ButtonStyle::Plain, "Sign out"))
                    }
                }
            }
        }
    }

    fn sections(&self, environment: EnvironmentId) -> Markup {
        let (settings, main): (Vec<Section>, Vec<Section>) =
            Section::ALL.iter().partition(|section| section.is_setting());
        let entries = |sections: &[Section]| {
            html! {
                ul {
                    @for section in sections {
                        li {
                            a href=(section.href(environment)) aria-current=[(self.section == Some(*section)).then_some("page")] {
                                (icon(section.icon_svg())) (section.label())
                            }
                        }
                    }
                }
            }
        };
        html! {
            nav #sections.sections popover="auto" aria-label="Sections" {
                (entries(&main))
                p.eyebrow { "Settings" }
                (entries(&settings))
            }
        }
    }

    /// Breadcrumbs without the page itself, whose title is the heading.
    fn breadcrumbs(&self) -> Markup {
        let steps: Vec<_> = self.crumbs.iter().filter(|(name, _)| name != self.title).collect();
        html! {
            @if !steps.is_empty() {
                nav.crumbs aria-label="Breadcrumbs" {
                    ol { @for (name, href) in steps { li { a href=(href) { (name) } } } }
                }
            }
        }
    }
}

fn icon(icon_svg: &'static str) -> Markup {
    html! {
        svg.icon viewBox="0 0 16 16" aria-hidden="true" { (PreEscaped(icon_svg)) }
    }
}

fn chevron() -> Markup {
    icon("<path d='M4.5 6.5L8 10l3.5-3.5'/>")
}
