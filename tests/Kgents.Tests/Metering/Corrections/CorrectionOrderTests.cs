using System.Text.Json;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Metering.Corrections;

/// <summary>
/// Whatever happens to an event and to its corrections, in whatever order: a tenant is never credited for what it was not billed. OpenMeter's sum is looked at after every step that leaves nothing open, and
/// at the end.
/// </summary>
[TakesSeconds(40)]
public sealed class CorrectionOrderTests : MeteringTest
{
    /// <summary>40 tokens, of which each correction takes 6.</summary>
    private const string Corrected = "corrected";

    private KgentsHost metering = null!;
    private int references;
    private ulong sequence;
    private ulong correction;

    [Theory(Timeout = Limits.Test)]
    [InlineData("record, correct, correct", 28)]
    [InlineData("record unsure, refuse to correct: does not show it yet, confirm, correct", 34)]
    [InlineData("record refused, refuse to correct: is a dead letter, discard, refuse to correct: was given up", 0)]
    [InlineData("record refused, replay, correct", 34)]
    [InlineData("record refused, replay refused, refuse to correct: is a dead letter, discard, refuse to correct: was given up", 0)]
    [InlineData("record missing, refuse to correct: when it was reissued, reissue, correct", 34)]
    [InlineData("record missing, reissue refused, refuse to correct: is a dead letter, discard, refuse to correct: was given up", 0)]
    [InlineData("record, correct, lose, correct", 28)]
    [InlineData("record, correct, lose unsure, refuse to correct: does not show it yet, confirm, correct", 28)]
    [InlineData("record, lose refused, refuse to correct: is a dead letter, discard, refuse to correct: was given up", 0)]
    [InlineData("record, correct, lose refused, refuse to correct: is a dead letter, refuse to discard, replay refused, refuse to discard, replay, correct", 28)]
    [InlineData("record, correct, rebuild, correct", 28)]
    [InlineData("record, correct, rebuild refused, refuse to correct: is a dead letter, refuse to discard, replay", 34)]
    [InlineData("record refused, discard, rebuild, refuse to correct: was given up", 0)]
    [InlineData("record, correct refused, discard correction, lose refused, discard", 0)]
    [InlineData("record, correct refused, lose refused, refuse to discard, discard correction, discard", 0)]
    [InlineData("record, correct, correct refused, discard correction, lose refused, refuse to discard, replay", 34)]
    [InlineData("record, correct, lose refused, refuse to discard, put, replay shown, correct", 28)]
    [InlineData("record, correct refused, refuse to repeat: OpenMeter refuses it, discard correction, refuse to repeat: was given up", 40)]
    public async Task NobodyIsCreditedForWhatWasNotBilled(string steps, int billed)
    {
        // OpenMeter shows at once what it has here, so what it does not show is not there.
        await using var host = await StartAsync(("Metering:Confirm:VisibleWithin", "00:00:00.200"), ("Metering:Confirm:MissingAfter", "00:00:00.250"));
        metering = host;
        foreach (var step in steps.Split(", "))
        {
            await RunAsync(step);
            var state = await Recorder.Ledger.StateAsync();
            if (state.Refused.Count + state.Unsettled.Count == 0)
            {
                Assert.True(Billed >= 0, $"{Billed} after {step}");
            }
        }

        Assert.Equal(billed, Billed);
        Assert.Equal(0, (await CommandAsync("ledger", "verify")).Code);
    }

    private decimal Billed => OpenMeter.Sum("total_tokens", "acme");

    private Task RunAsync(string step)
    {
        var (act, then) = step.Split(' ') switch
        {
            [var first, ("unsure" or "refused" or "missing" or "shown") and var last] => (first, last),
            _ => (step, "settled"),
        };
        OpenMeter.IsPoison = then is "refused" or "shown" ? usage => IsUsage(usage) && IsCorrection(usage) == (act == "correct") : null;
        OpenMeter.Rule = then == "unsure" ? () => new OpenMeterFault(RequestFault.Refused, 503) : null;
        if (then == "missing")
        {
            OpenMeter.Break(new OpenMeterFault(RequestFault.ClaimedAndFailed));
        }

        return act switch
        {
            "record" => RecordAsync(then),
            "correct" => CorrectAsync(then),
            "put" => PutAsync(),
            "confirm" => Recorder.SettledAsync(),
            "lose" => ForgetAsync(then, "resend"),
            "rebuild" => ForgetAsync(then, "rebuild"),
            "reissue" or "replay" => DecideAsync(act, sequence, then),
            "discard" => DecideAsync(act, sequence, null),
            "discard correction" => DecideAsync("discard", correction, null),
            "refuse to discard" => RefuseAsync("would be credited a second time", "dead-letters", "discard", $"{sequence}", "--reason", "no"),
            _ when act.StartsWith("refuse to correct: ", StringComparison.Ordinal) => RefuseAsync(act["refuse to correct: ".Length..], Correction()),
            _ when act.StartsWith("refuse to repeat: ", StringComparison.Ordinal) => RefuseAsync(act["refuse to repeat: ".Length..], Correction(again: true)),
            _ => throw new ArgumentOutOfRangeException(nameof(step), step, null),
        };
    }

    private async Task RecordAsync(string then)
    {
        sequence = await Recorder.RecordAsync(UsageSample.Event(Corrected, UsageRecorder.Tenant, 30));
        await BecomesAsync(sequence, then);
    }

    private async Task CorrectAsync(string then)
    {
        await DoAsync(Correction());
        correction = await Recorder.Ledger.RecordedAsync();
        await BecomesAsync(correction, then);
    }

    private async Task ForgetAsync(string then, string command)
    {
        OpenMeter.Forget(Corrected);
        await DoAsync("ledger", command, "--reason", "it was lost");
        await BecomesAsync(sequence, then);
    }

    private async Task DecideAsync(string decision, ulong on, string? then)
    {
        await DoAsync(decision == "reissue" ? "ledger" : "dead-letters", decision, $"{on}", "--reason", "because");
        if (then is not null)
        {
            await BecomesAsync(on, then);
        }
    }

    private Task BecomesAsync(ulong one, string then) => then is "settled" or "shown" ? Recorder.SettledAsync() : Eventually.TrueAsync(async () =>
    {
        var state = await Recorder.Ledger.StateAsync();
        return then switch
        {
            "refused" => state.Refused.Contains(one),
            "missing" => state.Missing > 0,
            _ => state.Unsettled.ContainsKey(one),
        };
    });

    /// <summary>What OpenMeter refuses from Kgents, somebody entered there by hand.</summary>
    private Task PutAsync()
    {
        OpenMeter.Put(UsageSample.Event(Corrected, UsageRecorder.Tenant, 30));
        return Task.CompletedTask;
    }

    private string[] Correction(bool again = false) => ["ledger", "correct", $"{sequence}", "--reason", "because", "--reference", $"ticket-{(again ? references - 1 : references++)}", "--take", "input_tokens_uncached=6"];

    private async Task DoAsync(params string[] args)
    {
        var (code, text) = await CommandAsync(args);
        Assert.True(code == 0 || args[1] == "resend", text);
    }

    private async Task RefuseAsync(string why, params string[] args)
    {
        var (code, text) = await CommandAsync(args);
        Assert.Equal(1, code);
        Assert.Contains(why, text, StringComparison.Ordinal);
    }

    /// <summary>And not one that metering tries OpenMeter with.</summary>
    private static bool IsUsage(JsonElement usage) => usage.GetProperty("data").TryGetProperty("input_tokens_uncached", out _);

    private static bool IsCorrection(JsonElement usage) => usage.GetProperty("data").TryGetProperty("kind", out _);

    private Task<(int Code, string Text)> CommandAsync(params string[] args) => RunAsync(metering, args);
}
