using Kgents.Api.Problems;
using Kgents.Api.Sessions;
using Kgents.Api.Turns;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Agentese;

/// <summary>A turn of the tenant's that has ended.</summary>
internal sealed record EndedTurn(TurnAddress Address, TurnState State, AssistantMessage Answer);

/// <summary>Finds what paths of <c>time</c> look back at.</summary>
internal sealed class TurnLookup(SessionStore sessions, TurnStore turns)
{
    /// <summary>The turn, or why it cannot be looked back at.</summary>
    public async Task<(EndedTurn? Turn, ProblemHttpResult? Problem)> FindAsync(TenantId tenant, SessionId session, TurnId turn, CancellationToken cancellationToken)
    {
        var address = new TurnAddress(tenant, session, turn);
        return await sessions.FindAsync(tenant, session, cancellationToken) is null ? (null, Problem.SessionNotFound)
            : await turns.FindAsync(address, cancellationToken) is not { } state ? (null, Problem.TurnNotFound)
            : state.Answer is not { } answer ? (null, Problem.TurnInProgress(turn))
            : (new EndedTurn(address, state, answer), null);
    }
}
