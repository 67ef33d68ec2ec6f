using System.Net;
using Kgents.Metering.Webhooks.Sending;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.Options;

namespace Kgents.Tests.Webhooks;

/// <summary>The connection goes to an address that was checked, whatever the name stands for a moment later.</summary>
public sealed class GuardedTransportTests
{
    private readonly Queue<IPAddress[]> answers = new();

    [Fact(Timeout = Limits.Test)]
    public async Task Connection_GoesToTheAddressThatWasChecked()
    {
        await using var receiver = await WebhookReceiver.StartAsync(TestContext.Current.CancellationToken);
        answers.Enqueue([IPAddress.Loopback]);

        // Nobody else knows the name, and it is asked for once.
        using var response = await SendAsync($"http://receiver.invalid:{receiver.Address.Port}/hook");

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Equal($"receiver.invalid:{receiver.Address.Port}", receiver.Received.Single().Headers["Host"]);
        Assert.Empty(answers);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("10.0.0.1")]
    [InlineData("127.0.0.1", "10.0.0.1")]
    [InlineData("10.0.0.1", "127.0.0.1")]
    [InlineData("127.0.0.1", "::ffff:169.254.169.254")]
    [InlineData]
    public async Task Name_WithAnAddressThatIsNotAllowed_IsRefused(params string[] addresses)
    {
        await using var receiver = await WebhookReceiver.StartAsync(TestContext.Current.CancellationToken);
        answers.Enqueue([.. addresses.Select(IPAddress.Parse)]);

        var refused = await Assert.ThrowsAsync<HttpRequestException>(() => SendAsync($"http://receiver.invalid:{receiver.Address.Port}/hook"));

        Assert.IsType<AddressNotAllowedException>(refused.InnerException);
        Assert.Empty(receiver.Received);
    }

    private async Task<HttpResponseMessage> SendAsync(string url)
    {
        using var transport = new GuardedTransport(
            new AddressGuard(Options.Create(new WebhookDeliveryOptions { AllowedNetworks = "127.0.0.0/8" })), (_, _) => Task.FromResult(answers.Dequeue()));
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new StringContent("{}") };
        return await transport.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
