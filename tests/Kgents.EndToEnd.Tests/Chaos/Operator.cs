using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.EndToEnd.Tests.Talk;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>
/// Decides on usage over the API while everything dies: replays what was refused, gives some of it up, and takes events back, in all or in part, some of them several times. Each decision is sent until it is
/// answered, and some are made once more.
/// </summary>
internal sealed class Operator(ChaosSystem system, string name, Random random)
{
    /// <summary>About as many events as are recorded between two decisions: it draws of all that there may be.</summary>
    private const int EventsBetween = 20;

    private static readonly string?[] Takes = [null, null, "requests", "output_tokens_visible", "turns"];

    private readonly Gateway gateway = new(system, system.Operator, random);

    public ConcurrentQueue<Decision> Decisions { get; } = new();

    /// <summary>Answers that no operator should get.</summary>
    public ConcurrentQueue<string> Faults { get; } = new();

    /// <summary>Until it is over, and until something was taken back, so that a short run has that.</summary>
    /// <param name="limit">What is not there by then does not come.</param>
    public async Task RunAsync(CancellationToken over, CancellationToken limit)
    {
        try
        {
            for (var i = 0; await Draws.PassAsync(random.Between(0.5, 3), over) || (!HasTakenBack && await Draws.PassAsync(TimeSpan.FromSeconds(0.2), limit)); i++)
            {
                if (await ChooseAsync(i, limit) is { } decision)
                {
                    Decisions.Enqueue(decision);
                    await SendAsync(decision, limit);
                }
            }
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            foreach (var decision in Decisions.Where(each => each.Status == 0))
            {
                Faults.Enqueue($"{decision} was not answered.");
            }
        }
    }

    private bool HasTakenBack => Decisions.Any(each => each.Kind == Decision.Correct && each.IsDone);

    private async Task<Decision?> ChooseAsync(int i, CancellationToken cancellationToken)
    {
        var own = $"{name}-{i}";
        var corrections = Decisions.Where(each => each.Kind == Decision.Correct && each.IsDone).ToList();
        if (random.Chance(0.3))
        {
            return await RefusedAsync(cancellationToken) is [_, ..] refused ? new Decision(random.Chance(0.8) ? Decision.Replay : Decision.Discard, random.OneOf(refused), own, null) : null;
        }

        if (corrections.Count > 0 && random.Chance(0.3))
        {
            // The same again, or another of the same event.
            var before = random.OneOf(corrections);
            return random.Chance(0.5) ? before with { Tries = 0, Status = 0, Id = null } : before with { Name = own, Take = random.OneOf(Takes), Tries = 0, Status = 0, Id = null };
        }

        return new Decision(Decision.Correct, (ulong)random.Next(1, EventsBetween * (i + 1)), own, random.OneOf(Takes));
    }

    private async Task<IReadOnlyList<ulong>> RefusedAsync(CancellationToken cancellationToken)
    {
        using var response = await gateway.TrySendAsync(HttpMethod.Get, "/v1/admin/dead-letters", null, cancellationToken);
        if (response is not { StatusCode: HttpStatusCode.OK } || await ReadAsync(response, cancellationToken) is not { } page)
        {
            return [];
        }

        return [.. page.GetProperty("dead_letters").EnumerateArray().Where(each => each.Text("state") == "refused").Select(each => ulong.Parse(each.GetProperty("sequence").ToString(), CultureInfo.InvariantCulture))];
    }

    private async Task SendAsync(Decision decision, CancellationToken cancellationToken)
    {
        while (decision.Status == 0)
        {
            decision.Tries++;
            using var response = await gateway.TrySendAsync(HttpMethod.Post, decision.Path, request => request.Content = JsonContent.Create(decision.Body), cancellationToken);
            switch (response?.StatusCode)
            {
                case null or HttpStatusCode.ServiceUnavailable:
                    await Draws.PassAsync(random.Between(0.1, 0.5), cancellationToken);
                    break;
                case HttpStatusCode.OK or HttpStatusCode.Created when await ReadAsync(response, cancellationToken) is { } made:
                    (decision.Id, decision.Status) = (made.Text("id"), (int)response.StatusCode);
                    break;
                case HttpStatusCode.OK or HttpStatusCode.Created:
                    break;
                case HttpStatusCode.NoContent or HttpStatusCode.NotFound or HttpStatusCode.Conflict:
                    decision.Status = (int)response.StatusCode;
                    break;
                default:
                    decision.Status = (int)response.StatusCode;
                    Faults.Enqueue($"{decision} was answered {decision.Status}.");
                    break;
            }
        }
    }

    /// <summary>Null when it broke off.</summary>
    private static async Task<JsonElement?> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            return await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        }
        catch (Exception exception) when (Gateway.IsBroken(exception) && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }
}
