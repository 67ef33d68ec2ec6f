using Kgents.Api.Authentication;
using Kgents.Api.Problems;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.OpenApi;

/// <summary>The problems that an endpoint has because of what it is: of its scope, of the ids in its path, of its body.</summary>
internal static class CommonProblems
{
    public static IEnumerable<ProblemHttpResult> Of(RequiredScope scope, string path, bool hasBody) =>
    [
        Problem.Unauthorized,
        Problem.ScopeMissing(scope.Name),
        Problem.TenantNotActive(TenantStatus.Paused),
        .. scope.OfOperator ? [Problem.OperatorOnly] : Array.Empty<ProblemHttpResult>(),
        Problem.QuotaExceeded("minute"),
        Problem.Unexpected,
        Problem.Unavailable,
        .. OfPath(path),
        .. hasBody ? OfBody : [],
    ];

    private static IEnumerable<ProblemHttpResult> OfBody =>
        [Problem.Invalid(400, "body", "could not be read"), Problem.Invalid(408, "body", "could not be read"), Problem.TooLarge, Problem.NotJson];

    private static IEnumerable<ProblemHttpResult> OfPath(string path)
    {
        if (path.Contains("{sessionId}", StringComparison.Ordinal))
        {
            yield return Problem.Invalid(400, "sessionId", "is not a session id");
            yield return Problem.SessionNotFound;
        }

        if (path.Contains("{turnId}", StringComparison.Ordinal))
        {
            yield return Problem.TurnNotFound;
        }

        if (path.Contains("{tenantId}", StringComparison.Ordinal))
        {
            yield return Problem.TenantNotFound;
        }

        if (path.Contains("{keyId}", StringComparison.Ordinal))
        {
            yield return Problem.KeyNotFound;
        }

        if (path.Contains("{webhookId}", StringComparison.Ordinal))
        {
            yield return Problem.WebhookNotFound;
        }

        if (path.Contains("{sequence}", StringComparison.Ordinal))
        {
            yield return Problem.DeadLetterNotFound;
        }

        if (path.Contains("{deliveryId}", StringComparison.Ordinal))
        {
            yield return Problem.DeliveryNotFound;
        }
    }
}
