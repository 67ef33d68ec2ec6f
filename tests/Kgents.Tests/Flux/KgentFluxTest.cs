using System.Threading.Channels;
using Kgents.Flux;
using Microsoft.Extensions.Time.Testing;

namespace Kgents.Tests.Flux;

/// <summary>A flux, its clock, its model and what comes in.</summary>
public abstract class KgentFluxTest : IAsyncDisposable
{
    private protected readonly SpeakingModel model = new();
    private protected readonly FakeTimeProvider time = new();
    private protected readonly Channel<SoulEvent> source = Channel.CreateUnbounded<SoulEvent>();
    private protected readonly List<KgentFlux> made = [];

    private protected static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var flux in made)
        {
            await flux.DisposeAsync();
        }

        model.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected KgentFlux Make(KgentFluxOptions? options = null, SpeakingModel? model = null, FluxMirror? mirror = null)
    {
        var flux = new KgentFlux(new Soul(model ?? this.model, new SoulSeed(), time), options, time) { Mirror = mirror };
        made.Add(flux);
        return flux;
    }

    private protected Ping Ping(string id) => new() { Timestamp = time.GetUtcNow(), CorrelationId = id };

    private protected DialogueTurn Say(string message, string? id = null) => new(message) { Timestamp = time.GetUtcNow(), CorrelationId = id };

    private protected static IAsyncEnumerable<SoulEvent> Of(params IReadOnlyList<SoulEvent> events) => events.ToAsyncEnumerable();
}
