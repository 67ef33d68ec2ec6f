using System.ComponentModel.DataAnnotations;
using System.Text;
using Kgents.Api.Problems;
using Kgents.Api.Requests;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Messages;

/// <summary>A message to a session. <paramref name="Stream"/> is true by default; <paramref name="Mode"/> is the session's by default.</summary>
/// <param name="Model">One of <c>Model:Allowed</c>; the session's by default.</param>
/// <param name="Budget">One of <see cref="BudgetTiers"/>; the session's by default.</param>
/// <param name="OnBusy"><c>reject</c> (default), <c>enqueue</c> or <c>interrupt</c>: what becomes of the message when the session is answering another.</param>
/// <param name="OnDisconnect"><c>continue</c> (default) or <c>cancel</c>: what becomes of the turn when the client leaves before its end.</param>
internal sealed record PostMessageRequest([property: Required] string? Message, string? Mode, string? Model, string? Budget, bool? Stream, string? OnBusy, string? OnDisconnect)
{
    private const string Continue = "continue";
    private const string Cancel = "cancel";
    private const string Reject = "reject";
    private const string Enqueue = "enqueue";
    private const string Interrupt = "interrupt";

    public static IReadOnlyList<string> BusyPolicies { get; } = [Reject, Enqueue, Interrupt];

    public static IReadOnlyList<string> DisconnectPolicies { get; } = [Continue, Cancel];

    public bool CancelsOnDisconnect() => OnDisconnect == Cancel;

    /// <summary>Null for a text that is no policy.</summary>
    public BusyPolicy? WhenBusy() => OnBusy switch
    {
        null or Reject => BusyPolicy.Reject,
        Enqueue => BusyPolicy.Enqueue,
        Interrupt => BusyPolicy.Interrupt,
        _ => null,
    };

    /// <summary>Null when the message may be stored.</summary>
    public ProblemHttpResult? Validate(int maxBytes)
    {
        if (string.IsNullOrWhiteSpace(Message))
        {
            return Problem.Invalid(422, "message", "must not be empty");
        }

        if (Encoding.UTF8.GetByteCount(Message) > maxBytes)
        {
            return Problem.Invalid(422, "message", $"must not be longer than {maxBytes} bytes of UTF-8");
        }

        if (WhenBusy() is null)
        {
            return Problem.Invalid(422, "on_busy", $"must be {Reject}, {Enqueue} or {Interrupt}");
        }

        if (OnDisconnect is not (null or Continue or Cancel))
        {
            return Problem.Invalid(422, "on_disconnect", $"must be {Continue} or {Cancel}");
        }

        if (Budget is not null && BudgetTiers.Find(Budget) is null)
        {
            return Budgets.Unknown;
        }

        return Mode is not null && DialogueModes.Find(Mode) is null ? Modes.Unknown : null;
    }
}
