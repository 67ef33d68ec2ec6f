using System.Net;
using Kgents.Contracts;

namespace Kgents.Streaming.Models;

/// <summary>
/// A call of a model that failed, by one of the <see cref="TurnErrorCodes"/>. It has nothing of what the provider said and no inner exception: a
/// provider may repeat the prompt or the key.
/// </summary>
/// <param name="code">What the turn ends with.</param>
/// <param name="cause">What an operator is told: a status, or the type of an exception.</param>
internal sealed class ModelException(string code, string cause) : Exception($"{code} ({cause})")
{
    public string Code { get; } = code;

    public string Cause { get; } = cause;

    /// <summary>The same request may succeed a moment later.</summary>
    public bool IsPassing => Code is TurnErrorCodes.ModelUnavailable or TurnErrorCodes.ModelRateLimited or TurnErrorCodes.ModelStalled or TurnErrorCodes.ModelBrokeOff;

    /// <summary>The pause that the provider asks for.</summary>
    public TimeSpan? RetryAfter { get; private init; }

    /// <summary>The provider answered with an error. Its body stays unread.</summary>
    public static ModelException Refused(HttpStatusCode status, TimeSpan? retryAfter) => new(CodeOf((int)status), $"HTTP {(int)status}") { RetryAfter = retryAfter };

    private static string CodeOf(int status) => status switch
    {
        401 or 402 or 403 => TurnErrorCodes.ModelRefusedCredentials,
        429 => TurnErrorCodes.ModelRateLimited,
        408 or 425 or < 400 or >= 500 => TurnErrorCodes.ModelUnavailable,
        _ => TurnErrorCodes.ModelRefusedRequest,
    };
}
