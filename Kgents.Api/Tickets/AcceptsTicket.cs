namespace Kgents.Api.Tickets;

/// <summary>An endpoint that takes <c>?ticket=</c> in the place of a key.</summary>
internal sealed class AcceptsTicket
{
    public const string Parameter = "ticket";
}
