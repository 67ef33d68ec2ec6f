using System.Security.Claims;
using Kgents.Api.Authentication;
using Kgents.Api.Keys;
using Kgents.Api.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Agentese;

/// <summary>Who looks: the role comes from the key's scopes, and a request may choose another of no greater rank.</summary>
internal static class Observer
{
    /// <summary>Null when the key may look as the archetype that is asked for; without one it is that of its role.</summary>
    public static ProblemHttpResult? Read(ClaimsPrincipal user, string? asked, out Archetype archetype)
    {
        var role = archetype = RoleOf(user);
        if (asked is null)
        {
            return null;
        }

        if (Archetypes.Find(asked) is not { } found)
        {
            return Problem.Invalid(422, "archetype", $"must be one of {string.Join(", ", Archetypes.All.Select(each => each.Name))}");
        }

        archetype = found;
        return found.Rank <= role.Rank ? null
            : Problem.ArchetypeDenied(found.Name, role.Name, [.. Archetypes.All.Where(each => each.Rank <= role.Rank).Select(each => each.Name)]);
    }

    private static Archetype RoleOf(ClaimsPrincipal user) =>
        user.HasScope(Scopes.Admin) ? Archetypes.Admin : user.HasScope(Scopes.Write) ? Archetypes.Developer : Archetypes.Viewer;
}
