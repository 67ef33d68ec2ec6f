using Kgents.Api.Keys;
using Kgents.Contracts;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Tickets;

/// <summary>Issues tickets, and finds the key behind one.</summary>
internal sealed class StreamTickets(TicketSecret secret, ApiKeyStore keys, IOptions<TicketOptions> options, TimeProvider time)
{
    public async Task<TicketResponse> IssueAsync(TurnAddress turn, ApiKeyId key, CancellationToken cancellationToken)
    {
        var ticket = new StreamTicket(turn, key, (time.GetUtcNow() + options.Value.TicketLifetime).ToUnixTimeSeconds());
        return new TicketResponse(ticket.Sign(await secret.GetAsync(cancellationToken)), DateTimeOffset.FromUnixTimeSeconds(ticket.Expires));
    }

    /// <summary>The hash of the key that made the ticket, whose record says what it may do now; null unless the ticket is one for this very turn.</summary>
    public async ValueTask<string?> FindKeyAsync(string text, string? sessionId, string? turnId, CancellationToken cancellationToken) =>
        SessionId.TryParse(sessionId, null, out var session)
        && TurnId.TryParse(turnId, null, out var turn)
        && StreamTicket.Read(text, session, turn) is { } ticket
        && ticket.IsSigned(text, await secret.GetAsync(cancellationToken))
        && time.GetUtcNow().ToUnixTimeSeconds() < ticket.Expires
            ? keys.HashOf(ticket.Turn.Tenant, ticket.Key)
            : null;
}
