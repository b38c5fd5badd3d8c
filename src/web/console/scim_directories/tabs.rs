//! What the pages of one directory share: loading it, its shell, and the tabs between the pages.

use base::id::{EnvironmentId, ScimDirectoryId};
use maud::{Markup, html};
use model::scim_directory::ScimDirectory;

use crate::{
    app::resource,
    links::{self, console},
    web::{
        console::kit::{
            context::EnvironmentContext,
            labels,
            shell::{Section, Shell},
        },
        kit::error::PageError,
    },
};

/// A page of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// The directory itself.
    Directory,
    /// The people in it.
    Users,
    /// Its groups.
    Groups,
    /// The log of SCIM requests.
    Requests,
}

impl Tab {
    const ALL: [Self; 4] = [Self::Directory, Self::Users, Self::Groups, Self::Requests];

    const fn label(self) -> &'static str {
        match self {
            Self::Directory => "Directory",
            Self::Users => "Users",
            Self::Groups => "Groups",
            Self::Requests => "Requests",
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Directory => console::SCIM_DIRECTORY,
            Self::Users => console::SCIM_USERS,
            Self::Groups => console::SCIM_GROUPS,
            Self::Requests => console::SCIM_REQUESTS,
        }
    }
}

/// The tabs of a directory's pages.
pub fn tabs(environment: EnvironmentId, directory: ScimDirectoryId, current: Tab) -> Markup {
    html! {
        nav.tabs aria-label="Directory" {
            @for tab in Tab::ALL {
                a href=(links::expand(tab.path(), &[&environment, &directory]))
                    aria-current=[(tab == current).then_some("page")] { (tab.label()) }
            }
        }
    }
}

/// The directory of a page, and its organization's name.
#[derive(Debug, Clone)]
pub struct DirectoryContext {
    /// The directory.
    pub directory: ScimDirectory,
    /// The organization's name.
    pub organization: String,
}

/// Loads the directory in the path.
pub async fn load(context: &EnvironmentContext) -> Result<DirectoryContext, PageError> {
    let id = context.id("directory")?;
    let directory: ScimDirectory = resource::find(&context.state, &context.principal, id).await?;
    let organization = resource::find(&context.state, &context.principal, directory.organization_id).await?;
    Ok(DirectoryContext { directory, organization: labels::organization(&organization) })
}

impl DirectoryContext {
    /// The shell of one of the directory's pages.
    pub fn shell<'a>(&self, context: &'a EnvironmentContext, title: &'a str) -> Shell<'a> {
        let href = context.href(console::SCIM_DIRECTORY, &[&self.directory.id]);
        context.shell(Section::Directories, title).crumb(self.organization.clone(), href)
    }

    /// The tabs of its pages.
    pub fn tabs(&self, current: Tab) -> Markup {
        tabs(self.directory.environment_id, self.directory.id, current)
    }
}
