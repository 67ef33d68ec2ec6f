using Kgents.Contracts;

namespace Kgents.Api.Messages;

/// <summary>A message that a client sends, and that may be stored. <paramref name="Mode"/> is in its one spelling.</summary>
internal sealed record NewMessage(TenantId Tenant, SessionId Session, string Text, string Mode, BusyPolicy WhenBusy)
{
    public UserMessage ToUserMessage(TurnId turn, long n, DateTimeOffset createdAt) => new(turn, n, Text, Mode, createdAt, WhenBusy == BusyPolicy.Interrupt);
}
