using Kgents.Api.Problems;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Turns;

/// <summary>How a turn that a client waits for can fail.</summary>
internal static class TurnProblems
{
    public static TurnId Turn { get; } = TurnId.Parse("t-01a2075b02ef7999b7ba555e57c36b05");

    public static IReadOnlyList<ProblemHttpResult> OfModel { get; } = From(
        TurnErrorCodes.ModelUnavailable,
        TurnErrorCodes.ModelRefusedCredentials,
        TurnErrorCodes.ModelRefusedRequest,
        TurnErrorCodes.ModelRateLimited,
        TurnErrorCodes.ModelStalled,
        TurnErrorCodes.ModelBrokeOff,
        TurnErrorCodes.ModelEmpty,
        TurnErrorCodes.ModelUnreadable,
        TurnErrorCodes.ModelNotAllowed);

    public static IReadOnlyList<ProblemHttpResult> OfService { get; } = From(
        TurnErrorCodes.ReplyTooLong,
        TurnErrorCodes.QuotaExceeded,
        TurnErrorCodes.Interrupted,
        TurnErrorCodes.Expired,
        TurnErrorCodes.UnreadableMessage,
        TurnErrorCodes.UnreadableLog,
        TurnErrorCodes.UnreadableAnswer);

    private static ProblemHttpResult[] From(params string[] codes) => [.. codes.Select(code => Problem.TurnFailed(new TurnFailed(code, TurnErrorTexts.Of(code)), Turn))];
}
