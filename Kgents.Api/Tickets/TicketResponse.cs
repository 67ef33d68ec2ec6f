namespace Kgents.Api.Tickets;

/// <summary>A ticket, shown this once.</summary>
internal sealed record TicketResponse(string Ticket, DateTimeOffset ExpiresAt);
